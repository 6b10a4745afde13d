"""The upgrade of a flow to a real `prefect.Flow`, in the Prefect modes."""

from __future__ import annotations

import copy
import functools
import inspect
import os
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import httpx
import prefect
from prefect.context import SyncClientContext
from prefect.exceptions import ObjectNotFound

from prefectx._logs.handlers import ensure_logs
from prefectx._naming.options import (
    FLOW_ATTRIBUTES,
    FLOW_OPTIONS,
    check_options,
    prefect_flow_options,
)
from prefectx._runners import current_runner
from prefectx._runners.prefect.bound_functions import bound_function, copy_function
from prefectx._runners.prefect.logs import connect
from prefectx._runners.prefect.lost_server import flow_end, has_ended_without_server
from prefectx._runners.prefect.parameters import parameters_for_api
from prefectx._runners.prefect.server import api
from prefectx._runners.prefect.upgrade import (
    NOT_SET,
    Upgrade,
    attributes_of,
    changes_of,
    own_class,
    restore_by_name,
    restore_state,
    restore_variant,
    save_initial_attributes,
)
from prefectx._settings.context import context_names, replace_context
from prefectx._settings.mode import VARIABLE, current_mode
from prefectx._types import type_of
from prefectx._values.containers import replace
from prefectx._values.handles import is_iterator
from prefectx._values.item import is_handle
from prefectx._values.references import is_importable

if TYPE_CHECKING:
    from collections.abc import Generator

# Any, because Prefect's annotations have private or missing types.
PREFECT_FLOW: Final[Any] = prefect.Flow


@functools.cache
def prefect_class(kind: Any) -> Any:  # noqa: C901 - a class with many small methods
    """Return the class that inherits from a class of prefectx's flows and from `prefect.Flow`.

    Attributes of both are prefectx's, except those defined here.
    """

    class PrefectFlow(kind, prefect.Flow[..., Any]):  # type: ignore[misc] # which class, only callers know
        """A flow of prefectx that is also a `prefect.Flow`."""

        # Changes of attributes are pickled separately: see `_changes`.
        __setattr__ = object.__setattr__

        @property
        def fn(self: Any) -> Any:
            """The function that Prefect's engine runs: the flow's own, or `body`.

            It is an attribute because Prefect runs a deployed flow without calling the flow.
            """
            kept = attributes_of(self)["fn"]
            if kept is not self.function:
                # A user has replaced the function.
                return kept
            choose = getattr(current_runner(), "flow_function", None)
            return kept if choose is None else choose(self)

        @fn.setter
        def fn(self: Any, fn: Any) -> None:
            attributes_of(self)["fn"] = fn

        def with_options(self: Any, **options: Any) -> Any:
            """Return this flow with some options changed, by Prefect's rules."""
            check_options(options, FLOW_OPTIONS, "flow")
            plain = attributes_of(
                PREFECT_FLOW.with_options(
                    _with_function(self, self.function), **prefect_flow_options(options)
                )
            )
            kept = {name: value for name, value in options.items() if value not in NOT_SET}
            changed = as_prefect_flow(own_class(self).with_options(self, **kept))
            function = attributes_of(changed)["fn"]
            attributes_of(changed).update(plain)
            changed.fn = function
            if changed._bound:
                _bind(changed)
            save_initial_attributes(changed)
            return changed

        def to_deployment(self: Any, *args: Any, **options: Any) -> Any:
            """Return a deployment of the flow, in the current mode if it has a work pool.

            Prefect accepts job variables with a work pool only.
            """
            return PREFECT_FLOW.to_deployment(self, *args, **_with_mode_in_pool(options))

        def deploy(self: Any, *args: Any, **options: Any) -> Any:
            """Deploy the flow; its runs are in the current mode."""
            return PREFECT_FLOW.deploy(self, *args, **_with_mode(options))

        def adeploy(self: Any, *args: Any, **options: Any) -> Any:
            """Async version of `deploy`."""
            return PREFECT_FLOW.adeploy(self, *args, **_with_mode(options))

        def ato_deployment(self: Any, *args: Any, **options: Any) -> Any:
            """Async version of `to_deployment`."""
            return PREFECT_FLOW.ato_deployment(self, *args, **_with_mode_in_pool(options))

        # Prefect's methods have their async versions as attributes.
        attributes_of(deploy)["aio"] = adeploy
        attributes_of(to_deployment)["aio"] = ato_deployment

        def serve(self: Any, *args: Any, **options: Any) -> Any:
            """Serve the flow; its runs are in the current mode."""
            with _set_environment(current_mode()):
                return PREFECT_FLOW.serve(self, *args, **options)

        # Prefect's own keep the hooks where its engine looks for them.
        on_completion: Any = PREFECT_FLOW.on_completion
        on_failure: Any = PREFECT_FLOW.on_failure
        on_cancellation: Any = PREFECT_FLOW.on_cancellation
        on_crashed: Any = PREFECT_FLOW.on_crashed
        on_running: Any = PREFECT_FLOW.on_running

        def bound_to(self: Any, owner: object) -> Any:
            """Return this flow as a method of `owner`, an object or a class."""
            bound = own_class(self).bound_to(self, owner)
            _bind(bound)
            return bound

        def serialize_parameters(self: Any, parameters: dict[str, Any]) -> dict[str, Any]:
            """Return the parameters for the API: short texts of iterators and of what is large."""
            shown = {
                name: f"<{type(value).__name__}>" if is_iterator(value) else value
                for name, value in parameters.items()
            }
            return parameters_for_api(PREFECT_FLOW.serialize_parameters(self, shown), shown)

        def validate_parameters(self: Any, parameters: dict[str, Any]) -> dict[str, Any]:
            """Validate and convert parameters by the function's annotations.

            Parameters that hold Items or futures are left unchanged: their data is not here.
            """
            held = [name for name, value in parameters.items() if _holds_handles(value)]
            # Annotations may be strings, which must be evaluated in the function's module.
            plain = _with_function(self, _without_annotations(self.function, held))
            validated: dict[str, Any] = PREFECT_FLOW.validate_parameters(plain, parameters)
            return validated

        def __reduce__(self: Any) -> tuple[Any, ...]:
            # By reference: by value, the globals of its function would be pickled too.
            changes = changes_of(self)
            if is_importable(self):
                named = (self.__module__, self.__qualname__)
                return (restore_by_name, (as_prefect_flow, *named, changes))
            if self._origin is not None:
                variant = (self._origin, self.options, self._bound)
                return (restore_variant, (as_prefect_flow, *variant, changes))
            # In the other process, the function has no file.
            changes |= {"version": self.version, "_entrypoint": self._entrypoint}
            # Created first, initialised later: a recursive function refers to its own flow.
            kind = own_class(self)
            state = (as_prefect_flow, self._original, self.options, changes)
            return (kind.__new__, (kind,), state, None, None, restore_state)

    return PrefectFlow


def is_prefect_flow(flow: Any) -> bool:
    """Tell whether a flow of prefectx is a `prefect.Flow` already."""
    return issubclass(type_of(flow), prefect.Flow)


def as_prefect_flow(flow: Any) -> Any:
    """Upgrade `flow` itself to a real `prefect.Flow`, unless it is one; return it."""
    ensure_logs(connect)
    return _UPGRADE.apply(flow)


def _create(flow: Any) -> Any:
    return PREFECT_FLOW(flow._original, **prefect_flow_options(flow.options))


def call_flow(flow: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a flow as a `prefect.Flow`, with an API.

    Args:
        flow: The flow.
        args: Its positional arguments, with the object that it is bound to first.
        kwargs: Its arguments by name, with `return_state` and `wait_for`.
    """
    args = args[len(flow._bound) :]
    if flow.isasync and not flow.isgenerator:
        return _acall_flow(flow, args, kwargs)
    # Names that the flow sets in the context end with it.
    with api(), replace_context(context_names()), flow_end() as end:
        try:
            return PREFECT_FLOW.__call__(flow, *args, **kwargs)
        except (httpx.HTTPError, ObjectNotFound) as error:
            if not has_ended_without_server(flow, error, end):
                raise
        return end.value(return_state=kwargs.get("return_state", False))


async def _acall_flow(flow: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    # Prefect's async flows also use a sync client, which without a context nobody closes.
    with (
        api(),
        SyncClientContext.get_or_create(),
        replace_context(context_names()),
        flow_end() as end,
    ):
        try:
            return await PREFECT_FLOW.__call__(flow, *args, **kwargs)
        except (httpx.HTTPError, ObjectNotFound) as error:
            if not has_ended_without_server(flow, error, end):
                raise
        return end.value(return_state=kwargs.get("return_state", False))


@contextmanager
def _set_environment(mode: str) -> Generator[None]:
    """Set the mode of child processes within the `with` statement."""
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
    """Return the options of a deployment with the current mode among its job variables."""
    if (mode := current_mode()) not in _OF_PREFECT:
        return options
    variables = dict(options.get("job_variables") or {})
    variables["env"] = {VARIABLE: mode, **(variables.get("env") or {})}
    return {**options, "job_variables": variables}


def _with_mode_in_pool(options: dict[str, Any]) -> dict[str, Any]:
    return _with_mode(options) if options.get("work_pool_name") else options


# Mode prefect is the default of deployed flows, so it is not set.
_OF_PREFECT: Final = ("prefect.skip", "prefect.cache")


def _bind(flow: Any) -> None:
    flow.function = bound_function(flow.function, flow)
    flow.body = bound_function(flow.body, flow)
    flow.fn = flow.function


_UPGRADE: Final = Upgrade(PREFECT_FLOW, FLOW_ATTRIBUTES, _create, prefect_class, _bind)


def _with_function(flow: Any, fn: Any) -> Any:
    """Return a copy of the flow with this function, in every mode."""
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
    """Return a copy of `fn` without the annotations of these parameters."""
    if not names or not isinstance(fn, FunctionType):
        return fn
    signature = inspect.signature(fn)
    free = copy_function(fn)
    attributes_of(free).pop("__wrapped__", None)
    free.__annotations__ = {
        name: kind for name, kind in fn.__annotations__.items() if name not in names
    }
    free.__signature__ = signature.replace(
        parameters=[
            parameter.replace(annotation=inspect.Parameter.empty) if name in names else parameter
            for name, parameter in signature.parameters.items()
        ]
    )
    return free
