"""`flow`, `Flow`: a function that ties tasks together; in the Prefect modes a `prefect.Flow`."""

from __future__ import annotations

from contextvars import Context, copy_context

from prefectx._calls.run import Run, begin_flow, flow_body, in_task
from prefectx._runners import current_runner
from prefectx._settings.context import context_names, replaced_context
from prefectx._settings.options import FLOW_OPTIONS, FlowOptions, check_options
from prefectx._values.functions import (
    is_async_generator_function,
    is_coroutine_function,
    is_generator_function,
    look_like,
)
from prefectx._values.future import State
from prefectx._values.item import load, settle
from prefectx._values.typed import Generic, ParamSpec, TypeVar, cast, overload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable
    from typing import Any, Concatenate, Final, Literal, Self, Unpack

    HookOption = Literal[
        "on_completion", "on_failure", "on_cancellation", "on_crashed", "on_running"
    ]

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Q = ParamSpec("Q")
T = TypeVar("T")
S = TypeVar("S")
H = TypeVar("H", bound="Callable[..., Any]")


class Flow(Generic[P, R_co]):
    """A function that ties tasks together; calling it runs it in the mode that is in force.

    Made by `flow`. In the `function` and `cache` modes it is no more than its function. As soon
    as it is used in a Prefect mode, this object becomes a real `prefect.Flow`, with `serve`,
    `deploy`, `visualize` and all else.

    Example:
        >>> @flow
        ... def total(numbers: list[int]) -> int:
        ...     return sum(numbers)
        >>> total.name, total([1, 2])
        ('total', 3)

    Attributes:
        function: The function itself.
        body: The function, with the futures that it returns waited for.
        name: The flow's name: the function's, with `-` for `_`, as in Prefect.
        given_options: The options it was made with.
    """

    __name__: str
    __qualname__: str

    def __init__(self, fn: Callable[P, R_co], options: FlowOptions) -> None:
        check_options(options, FLOW_OPTIONS, "flow")
        look_like(self, fn)
        self.fn: Callable[P, R_co] = fn
        self.function = fn
        self.body = _body(fn)
        self.name: str = options.get("name") or fn.__name__.replace("_", "-")
        self.given_options: FlowOptions = options
        self._bound: tuple[object, ...] = ()
        self._origin: Flow[..., Any] | None = None
        current_runner().become(self)

    # First the exact signature, then the two keywords that each call takes.
    @overload
    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
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
        """Run the flow; give its result, in which data may be Items: `load` gives the data."""
        return current_runner().flow(self, self._bound + args, kwargs)

    def with_options(self, **options: Unpack[FlowOptions]) -> Flow[P, R_co]:
        """Return this flow with some options changed.

        Args:
            **options: As for `flow`.

        Raises:
            UnknownOption: An option is not one of Prefect's.
        """
        changed = Flow(self.function, cast("FlowOptions", {**self.given_options, **options}))
        changed._bound = self._bound
        changed._origin = self._origin or self
        return changed

    def bound_to(self, first: tuple[object, ...]) -> Self:
        """Return this flow with its first arguments given, as a method's object is."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound._bound = first
        bound._origin = self._origin or self
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

    def _add_hook(self, option: HookOption, fn: H) -> H:
        self.given_options[option] = [*(self.given_options.get(option) or ()), fn]
        if type(self) is not Flow:
            # By then it is a prefect.Flow, which keeps its hooks in lists.
            getattr(self, f"{option}_hooks").append(fn)
        return fn

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(
        self: Flow[Concatenate[S, Q], R], instance: S, owner: type[S] | None = None
    ) -> Flow[Q, R]: ...
    def __get__(self, instance: object, owner: type | None = None) -> Flow[..., Any]:
        if instance is None:
            return self
        return self.bound_to((instance,))

    def __getattr__(self, name: str) -> Any:
        # Reached only for what this class does not have: in a Prefect mode, prefect.Flow has it.
        if type(self) is Flow and not name.startswith("__"):
            current_runner().become(self)
            if type(self) is not Flow:
                return getattr(self, name)
        msg = (
            f"flow {self.__dict__.get('name')!r} has no attribute {name!r}"
            " in this mode; what prefect.Flow has is there in the Prefect modes"
        )
        raise AttributeError(msg)

    def __repr__(self) -> str:
        return f"<Flow {self.name!r}>"


class FlowDecorator:
    """`flow`: decorates when given a function, re-configures when given options.

    All options are those of Prefect's `flow`: they work in the Prefect modes and have no effect
    in the others.

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

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Flow[P, R]: ...
    @overload
    def __call__(self, /, **options: Unpack[FlowOptions]) -> FlowDecorator: ...
    def __call__(self, fn: Any = None, /, **options: Unpack[FlowOptions]) -> Any:
        """Decorate a function, or return a decorator with these options on top of its own."""
        merged = cast("FlowOptions", {**self.options, **options})
        if fn is None:
            return FlowDecorator(**merged)
        if not callable(fn):
            msg = f"flow takes a function, or options by name; it was given {fn!r}"
            raise TypeError(msg)
        return Flow(fn, merged)


def _body(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of the same kind, within which a run is under way."""
    if is_async_generator_function(fn):
        return fn
    if is_generator_function(fn):

        def generator_body(*args: Any, **kwargs: Any) -> Any:
            # Between two elements the caller's context is in force, not the flow's.
            inside = copy_context()
            inside.run(begin_flow)
            return (yield from _within(inside, fn(*args, **kwargs)))

        look_like(generator_body, fn)
        return generator_body

    if is_coroutine_function(fn):

        async def async_body(*args: Any, **kwargs: Any) -> Any:
            with flow_body() as run, replaced_context(context_names()):
                result = settle(await fn(*args, **kwargs))
                _end(run)
            return load(result) if in_task() else result

        look_like(async_body, fn)
        return async_body

    def body(*args: Any, **kwargs: Any) -> Any:
        with flow_body() as run, replaced_context(context_names()):
            result = settle(fn(*args, **kwargs))
            _end(run)
        return load(result) if in_task() else result

    look_like(body, fn)
    return body


def _end(run: Run | None) -> None:
    if run is not None:
        current_runner().flow_ended(run)


def _within(inside: Context, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
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


flow: Final = FlowDecorator()
