"""The real `prefect.Flow` that a flow becomes in the Prefect modes."""

from __future__ import annotations

import copy
import functools
import inspect
import os
import threading
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import httpx
import prefect
from prefect.utilities.annotations import NotSet

from prefectx._logs.handlers import ensure_logs
from prefectx._naming.options import (
    FLOW_ATTRIBUTES,
    FLOW_OPTIONS,
    check_options,
    prefect_flow_options,
)
from prefectx._runners import current_runner
from prefectx._runners.prefect.logs import connect
from prefectx._runners.prefect.lost_server import flow_end, say_that_it_is_gone
from prefectx._runners.prefect.server import api
from prefectx._runners.prefect.task import attributes_of, bound_function, ours
from prefectx._settings.context import context_names, replace_context
from prefectx._settings.mode import VARIABLE, current_mode
from prefectx._types import type_of
from prefectx._values.containers import replace
from prefectx._values.item import is_handle
from prefectx._values.kinds import is_iterator
from prefectx._values.references import import_by_name, is_importable

if TYPE_CHECKING:
    from collections.abc import Generator

_becoming: Final = threading.RLock()

# What Prefect takes for an option that was not given.
_LEFT_OUT: Final = (None, NotSet)


# Its annotations name what is not public, or leave out what it is of.
PREFECT_FLOW: Final[Any] = prefect.Flow


@functools.cache
def kind_of(kind: Any) -> Any:  # noqa: C901 - a class with many small methods
    """Return the class of flows that are of this class of ours, and Prefect's as well.

    What both have is ours, but for what stands here; what only `prefect.Flow` has is there as well.
    """

    class PrefectFlow(kind, prefect.Flow[..., Any]):  # type: ignore[misc] # which class, only callers know
        """A flow of ours that is one of Prefect's."""

        # Its attributes travel by themselves: see `_changes`.
        __setattr__ = object.__setattr__

        @property
        def fn(self: Any) -> Any:
            """What Prefect's engine runs: the function itself, or that within a run of ours.

            Prefect runs a deployed flow without calling it, so it must find this here.
            """
            kept = attributes_of(self)["fn"]
            if kept is not self.function:
                # Somebody has put another in its place.
                return kept
            choose = getattr(current_runner(), "flow_function", None)
            return kept if choose is None else choose(self)

        @fn.setter
        def fn(self: Any, fn: Any) -> None:
            attributes_of(self)["fn"] = fn

        def with_options(self: Any, **options: Any) -> Any:
            """Return this flow with some options changed, by the rules of Prefect."""
            check_options(options, FLOW_OPTIONS, "flow")
            plain = attributes_of(
                PREFECT_FLOW.with_options(
                    _with_function(self, self.function), **prefect_flow_options(options)
                )
            )
            kept = {name: value for name, value in options.items() if value not in _LEFT_OUT}
            changed = as_prefect_flow(ours(self).with_options(self, **kept))
            function = attributes_of(changed)["fn"]
            attributes_of(changed).update(plain)
            changed.fn = function
            if changed._bound:
                _bind(changed)
            _note_made(changed)
            return changed

        def to_deployment(self: Any, *args: Any, **options: Any) -> Any:
            """Return a deployment of the flow, in the mode that is in force if it has a work pool.

            Prefect takes variables of jobs for no other.
            """
            return PREFECT_FLOW.to_deployment(self, *args, **_with_mode_in_pool(options))

        def deploy(self: Any, *args: Any, **options: Any) -> Any:
            """Deploy the flow; its runs are in the mode that is in force here."""
            return PREFECT_FLOW.deploy(self, *args, **_with_mode(options))

        def adeploy(self: Any, *args: Any, **options: Any) -> Any:
            """Do the same, in async code."""
            return PREFECT_FLOW.adeploy(self, *args, **_with_mode(options))

        def ato_deployment(self: Any, *args: Any, **options: Any) -> Any:
            """Return a deployment of the flow, in async code."""
            return PREFECT_FLOW.ato_deployment(self, *args, **_with_mode_in_pool(options))

        # Prefect's own have their variants for async code as attributes.
        attributes_of(deploy)["aio"] = adeploy
        attributes_of(to_deployment)["aio"] = ato_deployment

        def serve(self: Any, *args: Any, **options: Any) -> Any:
            """Run the flow, whenever it is asked for, in the mode that is in force here."""
            with _in_environment(current_mode()):
                return PREFECT_FLOW.serve(self, *args, **options)

        def on_completion(self: Any, fn: Any) -> Any:
            """Call `fn(flow, flow_run, state)` when a run completes."""
            return PREFECT_FLOW.on_completion(self, fn)

        def on_failure(self: Any, fn: Any) -> Any:
            """Call `fn(flow, flow_run, state)` when a run fails."""
            return PREFECT_FLOW.on_failure(self, fn)

        def on_cancellation(self: Any, fn: Any) -> Any:
            """Call `fn(flow, flow_run, state)` when a run is cancelled."""
            return PREFECT_FLOW.on_cancellation(self, fn)

        def on_crashed(self: Any, fn: Any) -> Any:
            """Call `fn(flow, flow_run, state)` when a run crashes."""
            return PREFECT_FLOW.on_crashed(self, fn)

        def on_running(self: Any, fn: Any) -> Any:
            """Call `fn(flow, flow_run, state)` when a run starts."""
            return PREFECT_FLOW.on_running(self, fn)

        def bound_to(self: Any, first: tuple[object, ...]) -> Any:
            """Return this flow with its first arguments given, as a method's object is."""
            bound = ours(self).bound_to(self, first)
            _bind(bound)
            return bound

        def serialize_parameters(self: Any, parameters: dict[str, Any]) -> dict[str, Any]:
            """Return what the API is told of the parameters; an iterator would be used up by it."""
            told = {
                name: f"<{type(value).__name__}>" if is_iterator(value) else value
                for name, value in parameters.items()
            }
            known: dict[str, Any] = PREFECT_FLOW.serialize_parameters(self, told)
            return known

        def validate_parameters(self: Any, parameters: dict[str, Any]) -> dict[str, Any]:
            """Check and convert parameters by the function's annotations.

            Those that hold Items or futures pass as they are: their data is not here.
            """
            held = [name for name, value in parameters.items() if _holds_handles(value)]
            # Its annotations may be strings, which mean what they mean where the function stands.
            plain = _with_function(self, _without_annotations(self.function, held))
            validated: dict[str, Any] = PREFECT_FLOW.validate_parameters(plain, parameters)
            return validated

        def __copy__(self: Any) -> Any:
            one = object.__new__(type_of(self))
            attributes_of(one).update(attributes_of(self))
            one._origin = self._origin or self
            return one

        def __reduce__(self: Any) -> tuple[Any, ...]:
            # By reference, or it would be sent with all the globals that its function names.
            changes = _changes(self)
            if is_importable(self):
                return (_found, (self.__module__, self.__qualname__, changes))
            if self._origin is not None:
                return (_restore_variant, (self._origin, self.options, self._bound, changes))
            # There, the function has no file.
            changes |= {"version": self.version, "_entrypoint": self._entrypoint}
            # Made first, filled then: a recursive function names its own flow.
            ours_alone = ours(self)
            state = (self._original, self.options, changes)
            return (ours_alone.__new__, (ours_alone,), state, None, None, _fill)

    return PrefectFlow


def is_prefect_flow(flow: Any) -> bool:
    """Tell whether `flow` is one of ours that is one of Prefect's already."""
    return issubclass(type_of(flow), prefect.Flow)


def as_prefect_flow(flow: Any) -> Any:
    """Make `flow` itself a real `prefect.Flow`, if it is none yet; return it."""
    ensure_logs(connect)
    if is_prefect_flow(flow):
        return flow
    if flow._unbound is not None:
        unbound = as_prefect_flow(flow._unbound)
        attributes = {
            **attributes_of(unbound),
            **{name: attributes_of(flow)[name] for name in _OF_A_BOUND_FLOW},
        }
    else:
        plain = PREFECT_FLOW(flow._original, **prefect_flow_options(flow.options))
        attributes = attributes_of(plain)
    made_of: Any = type_of(flow)
    kind = kind_of(made_of)
    with _becoming:
        if is_prefect_flow(flow):
            return flow
        were_set = FLOW_ATTRIBUTES & attributes_of(flow).keys()
        # Another thread may use the flow meanwhile: it becomes a whole one at once.
        attributes_of(flow).update(attributes)
        _SET_CLASS(flow, kind)
    if flow._bound:
        _bind(flow)
    _note_made(flow)
    for name in were_set:
        del flow._made[name]
    return flow


_SET_CLASS: Final = object.__dict__["__class__"].__set__
_OF_A_BOUND_FLOW: Final = ("_bound", "_origin", "_unbound")
_NO_ATTRIBUTE: Final = frozenset({"_made", "fn", "function", "body", "_bound", "_origin"})


def called_flow(flow: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a flow as a `prefect.Flow`, with the API that can be had.

    Args:
        flow: The flow.
        args: Its positional arguments, the object that it is bound to first.
        kwargs: Its arguments by name, and what each call takes.
    """
    args = args[len(flow._bound) :]
    if flow.isasync and not flow.isgenerator:
        return _acalled(flow, args, kwargs)
    # What the flow sets in the context ends with it.
    with api(), replace_context(context_names()), flow_end() as end:
        try:
            return PREFECT_FLOW.__call__(flow, *args, **kwargs)
        except httpx.TransportError as error:
            if not end.is_known:
                raise
            say_that_it_is_gone(flow.name, error)
        return end.given(return_state=kwargs.get("return_state", False))


async def _acalled(flow: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    with api(), replace_context(context_names()), flow_end() as end:
        try:
            return await PREFECT_FLOW.__call__(flow, *args, **kwargs)
        except httpx.TransportError as error:
            if not end.is_known:
                raise
            say_that_it_is_gone(flow.name, error)
        return end.given(return_state=kwargs.get("return_state", False))


@contextmanager
def _in_environment(mode: str) -> Generator[None]:
    """Let the processes that are started within the `with` statement be in this mode."""
    before = os.environ.get(VARIABLE)
    if mode in _OF_PREFECT:
        os.environ[VARIABLE] = mode
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def _with_mode(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a deployment with the mode in force among its job variables."""
    if (mode := current_mode()) not in _OF_PREFECT:
        return options
    variables = dict(options.get("job_variables") or {})
    variables["env"] = {VARIABLE: mode, **(variables.get("env") or {})}
    return {**options, "job_variables": variables}


def _with_mode_in_pool(options: dict[str, Any]) -> dict[str, Any]:
    return _with_mode(options) if options.get("work_pool_name") else options


# In mode prefect runs are without being told, and deployments are as Prefect makes them.
_OF_PREFECT: Final = ("prefect.skip", "prefect.cache")


def _bind(flow: Any) -> None:
    """Give a bound flow a function of its own, as Prefect binds functions."""
    mark = "__prefect_cls__" if isinstance(flow._original, classmethod) else "__prefect_self__"
    flow.function = bound_function(flow.function, mark, flow._bound[0])
    setattr(flow.body, mark, flow._bound[0])
    flow.fn = flow.function


def _with_function(flow: Any, fn: Any) -> Any:
    """Return a copy of the flow of which Prefect sees this function, in every mode."""
    plain = copy.copy(flow)
    plain.function, plain.fn = None, fn
    return plain


def _holds_handles(value: Any) -> bool:
    found: list[Any] = []

    def look(part: Any) -> Any:
        if is_handle(part):
            found.append(part)
        return part

    replace(value, look)
    return bool(found)


def _without_annotations(fn: Any, names: list[str]) -> Any:
    """Return a function like `fn`, whose parameters of these names may be anything."""
    if not names or not isinstance(fn, FunctionType):
        return fn
    signature = inspect.signature(fn)
    free = FunctionType(fn.__code__, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)
    functools.update_wrapper(free, fn)
    attributes_of(free).pop("__wrapped__")
    free.__kwdefaults__ = fn.__kwdefaults__
    free.__annotations__ = {
        name: kind for name, kind in fn.__annotations__.items() if name not in names
    }
    free.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            parameter.replace(annotation=inspect.Parameter.empty) if name in names else parameter
            for name, parameter in signature.parameters.items()
        ]
    )
    return free


def _note_made(flow: Any) -> None:
    """Note the attributes that other processes give the flow by themselves."""
    attributes_of(flow)["_made"] = dict(attributes_of(flow))


def _changes(flow: Any) -> dict[str, Any]:
    """Return the attributes that were set since the flow was made."""
    made = flow._made
    return {
        name: value
        for name, value in attributes_of(flow).items()
        if name not in _NO_ATTRIBUTE and not (name in made and made[name] is value)
    }


def _found(module: str, qualified_name: str, changes: dict[str, Any]) -> Any:
    flow = as_prefect_flow(import_by_name(module, qualified_name))
    return _with(copy.copy(flow), changes) if changes else flow


def _restore_variant(
    origin: Any, options: Any, bound: tuple[object, ...], changes: dict[str, Any]
) -> Any:
    kind = ours(origin) if is_prefect_flow(origin) else type_of(origin)
    return _with(as_prefect_flow(kind._restore_variant(origin, options, bound)), changes)


def _fill(flow: Any, state: tuple[Any, Any, dict[str, Any]]) -> None:
    given, options, changes = state
    flow.__setstate__((given, options))
    _with(as_prefect_flow(flow), changes)


def _with(flow: Any, changes: dict[str, Any]) -> Any:
    attributes_of(flow).update(changes)
    return flow
