"""A call's arguments, converted for Prefect, with the results that are known already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.utilities.annotations import allow_failure as prefect_allow_failure
from prefect.utilities.annotations import unmapped as prefect_unmapped

from prefectx._runners.prefect.assembly import is_taken_apart, put_together, take_apart
from prefectx._runners.prefect.future import (
    HitFuture,
    has_finished,
    is_prefect_future,
    settle_failures,
    upstream_futures,
)
from prefectx._runners.prefect.hidden_iterators import HiddenIterator
from prefectx._runners.prefect.run_names import run_name_of
from prefectx._values.annotations import allow_failure, is_unmapped, may_fail, unmapped
from prefectx._values.containers import replace
from prefectx._values.future import Future, FutureList
from prefectx._values.handles import (
    is_future,
    is_future_list,
    is_iterator,
    is_prefect_annotation,
    is_state,
    result_of,
)
from prefectx._values.item import is_item

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


class CallArguments:
    """A call's arguments, converted for Prefect, with the results that are known already.

    Args:
        task: The task.
        args: The caller's positional arguments.
        kwargs: The caller's arguments by name, with `wait_for`.

    Attributes:
        parameters: The converted arguments by name.
        upstream: The futures that must succeed.
        waits: Whether the call waits for futures that have not finished.
        known_args: The positional arguments with the results of finished futures.
        known_kwargs: The arguments by name, likewise.
    """

    def __init__(self, task: AnyTask, args: Args, kwargs: Kwargs) -> None:
        self.task = task
        self.wait_for = as_list(replace(kwargs.pop("wait_for", None), _convert_for_call))
        self.args: Args = replace(args, _convert_for_call)
        self.kwargs: Kwargs = replace(kwargs, _convert_for_call)
        self.parameters: dict[str, Any] = task.naming.bind(*self.args, **self.kwargs)
        self.upstream = upstream_futures([self.args, self.kwargs, self.wait_for or []])
        self.waits = False
        self.known_args, self.known_kwargs = replace((self.args, self.kwargs), self._settle_if_done)
        replace(self.wait_for or [], self._settle_if_done)

    def _settle_if_done(self, value: Any) -> Any:
        if may_fail(value):
            return replace(value.unwrap(), self._settle_if_done_or_failed)
        if is_prefect_annotation(value, "BaseAnnotation"):
            return value.unwrap()
        if is_taken_apart(value):
            return put_together(value, self._settle_if_done)
        if not is_prefect_future(value):
            return _known_value(value)
        if has_finished(value) and value.state.is_completed():
            return value.result()
        self.waits = True
        return None

    def _settle_if_done_or_failed(self, value: Any) -> Any:
        if not is_prefect_future(value):
            return value
        if has_finished(value):
            return value.result(raise_on_failure=False)
        self.waits = True
        return None

    def run_name(self) -> str | None:
        """Return the run's name; None if Prefect makes it, or if it is not known yet."""
        if self.waits:
            return None
        return run_name_of(self.task, self.known_args, self.known_kwargs)


def to_prefect(value: Any) -> Any:
    """Return the arguments of a task with Prefect's annotations, and with the data of Items."""
    return replace(value, _convert)


def to_prefect_flow(value: Any) -> Any:
    """Return the arguments of a flow with Prefect's annotations; Items are left unchanged."""
    return replace(value, _convert_annotation)


def fill_objects(value: Any) -> Any:
    """Return the arguments of a flow with results for the futures that Prefect would not find.

    Those that must succeed have done so.
    """
    return replace(value, _fill_object)


def _fill_object(value: Any) -> Any:
    found = take_apart(value, _unchanged)
    return put_together(replace(found, _result_of), _unchanged) if is_taken_apart(found) else value


def _unchanged(value: Any) -> Any:
    return value


def _result_of(value: Any) -> Any:
    if may_fail(value):
        return settle_failures(value.unwrap())
    return value.result() if is_prefect_future(value) else value


def _convert(value: Any) -> Any:
    return value.load() if is_item(value) else _convert_annotation(value)


def _convert_annotation(value: Any) -> Any:
    if isinstance(value, allow_failure):
        return prefect_allow_failure(to_prefect(value.unwrap()))
    if isinstance(value, unmapped):
        return prefect_unmapped(to_prefect(value.unwrap()))
    if isinstance(value, FutureList | Future):
        # A future of a mode without Prefect.
        return to_prefect(value.result())
    return value


def _known_value(value: Any) -> Any:
    if is_state(value) and value.is_completed():
        return result_of(value)
    return value.value if isinstance(value, HiddenIterator) else value


def as_list(wait_for: Any) -> list[Any] | None:
    """Return what a call waits for as a list; None if it waits for nothing."""
    if wait_for is None:
        return None
    return [*wait_for] if isinstance(wait_for, list | tuple | set | frozenset) else [wait_for]


def _convert_for_call(value: Any) -> Any:
    if isinstance(value, allow_failure):
        return prefect_allow_failure(replace(value.unwrap(), _convert_for_call))
    if is_future_list(value):
        return [_convert_for_call(future) for future in value]
    if is_unmapped(value):
        return replace(value.unwrap(), _convert_for_call)
    if is_iterator(value):
        return HiddenIterator(value)
    return take_apart(_replace_hit(value), _convert_for_call)


def _replace_hit(value: Any) -> Any:
    if isinstance(value, HitFuture):
        # Otherwise Prefect would record a dependency on a run that does not exist.
        return value.value
    if is_future(value) and not is_prefect_future(value):
        return value.result()
    return value
