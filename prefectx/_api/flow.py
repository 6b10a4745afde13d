"""`Flow`: a function that calls tasks; in the Prefect modes a `prefect.Flow`."""

from __future__ import annotations

import inspect
import sys
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Literal,
    Never,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    get_args,
    overload,
)

from prefectx._api.decorated_function import DecoratedFunction
from prefectx._api.prefect_attributes import PrefectFlowAttributes
from prefectx._calls.leaving import leave_call, leave_coroutine
from prefectx._calls.nesting import register_calls
from prefectx._naming.options import (
    FLOW_ATTRIBUTES,
    FLOW_OPTIONS,
    FlowHook,
    FlowOptions,
    check_options,
)
from prefectx._runners import current_runner
from prefectx._runners.prefect_classes import prefect_flow_class, upgrade_flow
from prefectx._settings.project import read_project
from prefectx._settings.rerun_reasons import validate_rerun_on
from prefectx._values.future import State
from prefectx._values.references import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from prefectx._values.future import Handle


P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Q = ParamSpec("Q")
T = TypeVar("T")
S = TypeVar("S")
H = TypeVar("H", bound="Callable[..., Any]")


class Flow(DecoratedFunction[P, R_co], PrefectFlowAttributes):
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
        name: The flow's name: the function's, with `-` for `_`, as in Prefect.
        options: The explicit options.
    """

    __module__ = "prefectx"

    options: FlowOptions

    _word = "flow"
    _prefect_module = "prefect.flows"
    _settable = FLOW_ATTRIBUTES
    _public = frozenset(
        {"fn", "name", "with_options"}
        | frozenset(get_args(FlowHook))
        # Prefect's, in the Prefect modes.
        | {"serve", "deploy", "from_source", "to_deployment", "visualize", "generate_mermaid_graph"}
        | {"adeploy", "afrom_source", "ato_deployment", "avisualize", "agenerate_mermaid_graph"}
        | {"serialize_parameters", "validate_parameters"}
    )

    def __init__(
        self,
        fn: Callable[P, R_co] | staticmethod[P, R_co] | classmethod[Any, P, R_co],
        options: FlowOptions,
    ) -> None:
        check_options(options, FLOW_OPTIONS, "flow")
        super().__init__(fn, options)
        function = self.fn
        self.function: Callable[P, R_co] = function
        self._reasons = validate_rerun_on(
            options.get("rerun_on", ()), f"flow {name_of(function)!r}"
        )
        self._body: Callable[..., Any] | None = None
        # Prefect's API does not allow these characters in names.
        name = name_of(function).replace("_", "-").replace("<lambda>", "unknown-lambda")
        self.name = options.get("name") or name
        current_runner().upgrade_flow(self)

    @property
    def body(self) -> Callable[..., Any]:
        """The function within a run, which waits for the futures that it returns."""
        if self._body is None:
            # Imported at the first call: all that a run needs takes long.
            from prefectx._api.flow_body import flow_body_of

            self._body = flow_body_of(self.function, self._reasons)
        return self._body

    @body.setter
    def body(self, body: Callable[..., Any]) -> None:
        self._body = body

    def _prefect_class(self) -> type:
        return prefect_flow_class(Flow)

    def _upgrade(self) -> None:
        if self._prefect_module in sys.modules:
            upgrade_flow(self)
        else:
            current_runner().upgrade_flow(self)

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
    # A function of which nothing is said, or which only raises, is no coroutine function.
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self: Flow[..., Never], /, *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> State[Any]: ...
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
    def __call__(
        self, /, *args: Any, wait_for: Handle[Any] | Iterable[Any] | None, **kwargs: Any
    ) -> R_co: ...
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
        changed: Flow[P, R_co] = self._with_options(options)
        return changed

    def on_cancellation(self, fn: H) -> H:
        """Call `fn(flow, flow_run, state)` when a run is cancelled, in the Prefect modes."""
        return self._add_hook("on_cancellation", fn)

    def on_crashed(self, fn: H) -> H:
        """Call `fn(flow, flow_run, state)` when a run crashes, in the Prefect modes."""
        return self._add_hook("on_crashed", fn)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(
        self: Flow[Concatenate[S, Q], R], instance: S, owner: type[S] | None = None
    ) -> Flow[Q, R]: ...
    def __get__(self, instance: object, owner: type | None = None) -> Flow[..., Any]:
        bound: Flow[..., Any] = self._attribute_of(instance, owner)
        return bound

    def __repr__(self) -> str:
        return f"<Flow {self.name!r}>"


register_calls(vars(Flow)["__call__"].__code__)
