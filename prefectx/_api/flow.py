"""`flow`, `Flow`: a function that calls tasks; in the Prefect modes a `prefect.Flow`."""

from __future__ import annotations

import inspect
import sys
from contextvars import Context, copy_context
from functools import update_wrapper
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Generic,
    Literal,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    cast,
    get_args,
    overload,
)

from prefectx._api.public_names import public_names
from prefectx._calls.nesting import register_calls
from prefectx._calls.run import begin_flow, flow_body, in_task
from prefectx._calls.tracebacks import leave_call, leave_coroutine
from prefectx._naming.options import (
    FLOW_ATTRIBUTES,
    FLOW_OPTIONS,
    FlowHook,
    FlowOptions,
    check_options,
)
from prefectx._runners import current_runner
from prefectx._runners.run_block import end_run_after
from prefectx._runners.upgrade import prefect_flow_class, upgrade_flow
from prefectx._settings.context import context_names, replace_context
from prefectx._settings.project import read_project
from prefectx._settings.rerun import rerun_on
from prefectx._settings.rerun_reasons import validate_rerun_on
from prefectx._values.future import State
from prefectx._values.item import load_items, settle_futures
from prefectx._values.references import (
    function_in,
    import_by_name,
    is_importable,
    is_static_or_class_method,
    name_of,
    qualified_name_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable

    from prefectx._values.future import Handle


PUBLIC_OF_FLOWS: Final = frozenset(
    {"fn", "name", "with_options"}
    | frozenset(get_args(FlowHook))
    # Prefect's, in the Prefect modes.
    | {"serve", "deploy", "from_source", "to_deployment", "visualize", "generate_mermaid_graph"}
    | {"adeploy", "afrom_source", "ato_deployment", "avisualize", "agenerate_mermaid_graph"}
    | {"serialize_parameters", "validate_parameters"}
)

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Q = ParamSpec("Q")
T = TypeVar("T")
S = TypeVar("S")
H = TypeVar("H", bound="Callable[..., Any]")


class Flow(Generic[P, R_co]):
    """A function that calls tasks; a call runs it in the current mode.

    Created by `flow`. In the modes `function` and `cache` it only runs its function. As soon as it
    is used in a Prefect mode, it becomes a real `prefect.Flow`, with `serve`, `deploy`, `visualize`
    and all other methods.

    Example:
        >>> @flow
        ... def total(numbers: list[int]) -> int:
        ...     return sum(numbers)
        >>> total.name, total([1, 2])
        ('total', 3)

    Attributes:
        fn: The function itself.
        body: The function within a run, which waits for the futures that it returns.
        name: The flow's name: the function's, with `-` for `_`, as in Prefect.
        options: The explicit options.
    """

    __name__: str
    __qualname__: str

    def __init__(
        self,
        fn: Callable[P, R_co] | staticmethod[P, R_co] | classmethod[Any, P, R_co],
        options: FlowOptions,
    ) -> None:
        check_options(options, FLOW_OPTIONS, "flow")
        self._original: Final = fn
        function: Callable[P, R_co] = function_in(fn)
        update_wrapper(self, function)
        self.__qualname__ = qualified_name_of(function)
        self.function: Callable[P, R_co] = function
        self.fn: Callable[P, R_co] = function
        reasons = validate_rerun_on(options.get("rerun_on", ()), f"flow {name_of(function)!r}")
        self.body = _body(function, reasons)
        # Prefect's API does not allow these characters in names.
        name = name_of(function).replace("_", "-").replace("<lambda>", "unknown-lambda")
        self.name: str = options.get("name") or name
        self.options: FlowOptions = options
        self._bound: tuple[object, ...] = ()
        self._origin: Flow[..., Any] | None = None
        # For a bound method: the flow that is not bound.
        self._unbound: Flow[..., Any] | None = None
        current_runner().upgrade_flow(self)

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            """The class for `isinstance`: if Prefect is loaded, every flow is a `prefect.Flow`.

            The flow becomes one when an attribute is used that only `prefect.Flow` has.
            """
            if type(self) is Flow and "prefect.flows" in sys.modules:
                return prefect_flow_class(Flow)
            return type(self)

    # First the exact signature, then the two additional keywords of every call.
    @overload
    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    # A future, an Item or a list of futures in place of the first argument.
    @overload
    def __call__(
        self: Flow[Concatenate[T, Q], R],
        first: Handle[T],
        /,
        *args: Q.args,
        **kwargs: Q.kwargs,
    ) -> R: ...
    @overload
    def __call__(
        self: Flow[..., Coroutine[Any, Any, T]],
        /,
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[Any, Any, State[T]]: ...
    @overload
    def __call__(
        self, /, *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> State[R_co]: ...
    @overload
    def __call__(self, /, *args: Any, return_state: Literal[False], **kwargs: Any) -> R_co: ...
    @overload
    def __call__(self, /, *args: Any, wait_for: Iterable[Any] | None, **kwargs: Any) -> R_co: ...
    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run the flow; return its result, which may contain Items: `load` returns their data."""
        with leave_call(what := f"flow {self.name!r}"):
            read_project(self.function)
            result = current_runner().flow(self, self._bound + args, kwargs)
        return leave_coroutine(result, what) if inspect.iscoroutine(result) else result

    def with_options(self, **options: Unpack[FlowOptions]) -> Flow[P, R_co]:
        """Return this flow with some options changed.

        Args:
            **options: As for `flow`.

        Raises:
            UnknownOption: Flows have no option with this name.
        """
        changed: Flow[P, R_co] = Flow(
            self._original, cast("FlowOptions", {**self.options, **options})
        )
        changed._bound = self._bound
        changed._origin = self._origin or self
        return changed

    def bound_to(self, first: tuple[object, ...]) -> Self:
        """Return this flow bound to its first arguments, such as a method's object."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound._bound = first
        bound._origin = self._origin or self
        bound._unbound = self
        return bound

    def on_completion(self, fn: H) -> H:
        """Call `fn(flow, flow_run, state)` when a run completes, in the Prefect modes."""
        return self._add_hook("on_completion", fn)

    def on_failure(self, fn: H) -> H:
        """Call `fn(flow, flow_run, state)` when a run fails, in the Prefect modes."""
        return self._add_hook("on_failure", fn)

    def on_cancellation(self, fn: H) -> H:
        """Call `fn(flow, flow_run, state)` when a run is cancelled, in the Prefect modes."""
        return self._add_hook("on_cancellation", fn)

    def on_crashed(self, fn: H) -> H:
        """Call `fn(flow, flow_run, state)` when a run crashes, in the Prefect modes."""
        return self._add_hook("on_crashed", fn)

    def on_running(self, fn: H) -> H:
        """Call `fn(flow, flow_run, state)` when a run starts, in the Prefect modes."""
        return self._add_hook("on_running", fn)

    def _add_hook(self, option: FlowHook, fn: H) -> H:
        hooks = [*(self.options.get(option) or ()), fn]
        self.options = cast("FlowOptions", {**self.options, option: hooks})
        return fn

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in FLOW_ATTRIBUTES:
            # As in Prefect, a flow's options are its attributes.
            self.options = cast("FlowOptions", {**self.options, name: value})

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(
        self: Flow[Concatenate[S, Q], R], instance: S, owner: type[S] | None = None
    ) -> Flow[Q, R]: ...
    def __get__(self, instance: object, owner: type | None = None) -> Flow[..., Any]:
        if isinstance(self._original, classmethod):
            return self.bound_to((owner,))
        if instance is None or isinstance(self._original, staticmethod):
            return self
        return self.bound_to((instance,))

    def __getattr__(self, name: str) -> Any:
        # Called only for attributes that this class does not have; prefect.Flow may have them.
        if type(self) is Flow and not name.startswith("_"):
            if "prefect.flows" in sys.modules:
                upgrade_flow(self)
            else:
                current_runner().upgrade_flow(self)
            if type(self) is not Flow:
                return getattr(self, name)
        msg = (
            f"flow {self.__dict__.get('name')!r} has no attribute {name!r} in this mode. The"
            " attributes of prefect.Flow exist in the Prefect modes only: set PREFECTX=prefect, or"
            " call use_mode."
        )
        raise AttributeError(msg, name=name, obj=self)

    def __reduce__(self) -> tuple[Any, ...]:
        if is_importable(self):
            return (import_by_name, (self.__module__, self.__qualname__))
        if self._origin is None:
            # Created first, initialised later: a recursive function refers to its own flow.
            return (Flow.__new__, (Flow,), (self._original, self.options))
        return (Flow._restore_variant, (self._origin, self.options, self._bound))

    def __setstate__(self, state: tuple[Any, FlowOptions]) -> None:
        # Called on this class, because a subclass has another __init__.
        Flow.__init__(self, *state)  # pyright: ignore[reportUnknownMemberType]

    @staticmethod
    def _restore_variant(
        origin: Flow[..., Any], options: FlowOptions, bound: tuple[object, ...]
    ) -> Flow[..., Any]:
        variant: Flow[..., Any] = Flow(origin._original, options)
        variant._origin = origin
        return variant.bound_to(bound) if bound else variant

    def __dir__(self) -> list[str]:
        return public_names(self, PUBLIC_OF_FLOWS)

    def __repr__(self) -> str:
        return f"<Flow {self.name!r}>"


register_calls(vars(Flow)["__call__"].__code__)


class FlowDecorator:
    """`flow`: decorates a function, or takes options by name and returns a decorator.

    `@flow`, `@flow(retries=2)`, or `flow = flow(log_prints=True)` for all flows of a module. An
    option that is left out is inherited. A flow has all methods of Prefect's: `serve`, `deploy`, ….

    Options of prefectx:
        rerun_on: the reasons to recompute outputs, for all tasks of the flow: as for `task`.

    Options of Prefect, used in the Prefect modes and without effect in the others:
        name: the flow's name; by default the function's, with - for _.
        description: text for the API; by default the docstring.
        version: the flow's version, a text.
        flow_run_name: the name of each run, or a function that returns it.
        retries: how often a failed run is tried again.
        retry_delay_seconds: how long to wait before each retry.
        task_runner: the runner of submitted tasks; prefectx.dask.task_runner for Dask.
        timeout_seconds: how long a run may take.
        validate_parameters: whether arguments are converted by their annotations.
        persist_result: whether Prefect stores the result.
        result_storage: where Prefect stores it.
        result_serializer: how Prefect writes it.
        cache_result_in_memory: whether Prefect keeps the result in memory.
        log_prints: whether print goes to the run's log.
        on_completion: functions called when a run completes.
        on_failure: functions called when a run fails.
        on_cancellation: functions called when a run is cancelled.
        on_crashed: functions called when a run crashes.
        on_running: functions called when a run starts.

    Example:
        >>> @flow
        ... def greet(name: str) -> str:
        ...     return f"hello {name}"
        >>> greet("marvin")
        'hello marvin'
    """

    def __init__(self, **options: Unpack[FlowOptions]) -> None:
        check_options(options, FLOW_OPTIONS, "flow")
        self.options: Final = options
        # `help(flow)` shows an object's own docstring; otherwise its class with all methods.
        self.__doc__ = f"\n{type(self).__doc__}"

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"flow({options})" if options else "prefectx.flow"

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Flow[P, R]: ...
    @overload
    def __call__(self, /, **options: Unpack[FlowOptions]) -> FlowDecorator: ...
    def __call__(self, fn: Any = None, /, **options: Unpack[FlowOptions]) -> Any:
        """Decorate a function, or return a decorator with these options on top of its own."""
        merged = cast("FlowOptions", {**self.options, **options})
        if fn is None:
            return FlowDecorator(**merged)
        if not (callable(fn) or is_static_or_class_method(fn)):
            msg = f"flow takes a function, or options by name, not {fn!r}"
            raise TypeError(msg)
        return Flow(fn, merged)

    @staticmethod
    def from_source(source: Any, entrypoint: str) -> Any:
        """Return a flow from a folder, a repository or other storage, as Prefect does.

        Args:
            source: The location of the code: a path, a URL, or a storage block of Prefect.
            entrypoint: The flow: `folder/file.py:function`.
        """
        from prefect import Flow as RealFlow

        return RealFlow.from_source(source=source, entrypoint=entrypoint)


def _body(fn: Callable[..., Any], reasons: frozenset[str]) -> Callable[..., Any]:
    """Return a function of the same kind that runs `fn` within a run."""
    if inspect.isasyncgenfunction(fn):
        return fn
    if inspect.isgeneratorfunction(fn):

        def generator_body(*args: Any, **kwargs: Any) -> Any:
            # Between two elements the caller's context is current, not the flow's.
            inside = copy_context()
            run = inside.run(begin_flow)
            inside.run(rerun_on(reasons).__enter__)
            with end_run_after(run):
                return (yield from _run_in_context(inside, fn(*args, **kwargs)))

        update_wrapper(generator_body, fn)
        return generator_body

    if inspect.iscoroutinefunction(fn):

        async def async_body(*args: Any, **kwargs: Any) -> Any:
            with (
                flow_body() as run,
                replace_context(context_names()),
                rerun_on(reasons),
                end_run_after(run),
            ):
                result = settle_futures(await fn(*args, **kwargs))
            return load_items(result) if in_task() else result

        update_wrapper(async_body, fn)
        return async_body

    def body(*args: Any, **kwargs: Any) -> Any:
        with (
            flow_body() as run,
            replace_context(context_names()),
            rerun_on(reasons),
            end_run_after(run),
        ):
            result = settle_futures(fn(*args, **kwargs))
        return load_items(result) if in_task() else result

    update_wrapper(body, fn)
    return body


def _run_in_context(
    inside: Context, generator: Generator[Any, Any, Any]
) -> Generator[Any, Any, Any]:
    sent: Any = None
    while True:
        try:
            element = inside.run(generator.send, sent)
        except StopIteration as end:
            return end.value
        try:
            sent = yield element
        except GeneratorExit:
            inside.run(generator.close)
            raise


# Not Final: a user's module may have `flow = flow(…)` with other options.
flow: FlowDecorator = FlowDecorator()
