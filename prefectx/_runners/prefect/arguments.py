"""What a call of a task was given: as Prefect must see it, and as far as it is known already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.utilities.annotations import allow_failure as prefect_allow_failure
from prefect.utilities.annotations import unmapped as prefect_unmapped

from prefectx._runners.prefect.future import (
    Hit,
    has_finished,
    is_prefect_future,
    upstream_futures,
)
from prefectx._runners.prefect.task import Carried
from prefectx._values.annotations import allow_failure, is_unmapped, may_fail, unmapped
from prefectx._values.containers import replace
from prefectx._values.future import Future, FutureList
from prefectx._values.item import is_item
from prefectx._values.kinds import (
    is_future,
    is_future_list,
    is_iterator,
    is_prefect_annotation,
    is_state,
    result_of,
)

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


class Given:
    """What a call was given: as Prefect must see it, and as far as it is known already."""

    def __init__(self, task: AnyTask, args: Args, kwargs: Kwargs) -> None:
        self.task = task
        self.wait_for = _as_list(replace(kwargs.pop("wait_for", None), _for_prefect))
        self.args: Args = replace(args, _for_prefect)
        self.kwargs: Kwargs = replace(kwargs, _for_prefect)
        self.parameters: dict[str, Any] = task.naming.bind(*self.args, **self.kwargs)
        self.upstream = upstream_futures([self.args, self.kwargs, self.wait_for or []])
        self.waits = False
        self.known_args, self.known_kwargs = replace((self.args, self.kwargs), self._known)
        replace(self.wait_for or [], self._known)

    def _known(self, value: Any) -> Any:
        if may_fail(value):
            return replace(value.unwrap(), self._known_even_if_failed)
        if is_prefect_annotation(value, "BaseAnnotation"):
            return value.unwrap()
        if is_state(value) and value.is_completed():
            return result_of(value)
        if not is_prefect_future(value):
            return value.value if isinstance(value, Carried) else value
        if has_finished(value) and value.state.is_completed():
            return value.result()
        self.waits = True
        return None

    def _known_even_if_failed(self, value: Any) -> Any:
        if not is_prefect_future(value):
            return value
        if has_finished(value):
            return value.result(raise_on_failure=False)
        self.waits = True
        return None

    def run_name(self) -> str | None:
        """Return the run's name, or None if it is Prefect's to make or cannot be known yet."""
        if self.waits:
            return None
        return run_name_of(self.task, self.known_args, self.known_kwargs)


def run_name_of(task: AnyTask, args: Args, kwargs: Kwargs) -> str | None:
    """Return what a call's run is called, or None if Prefect makes its name.

    Args:
        task: The task.
        args: The call's positional arguments, of which all are known.
        kwargs: Its arguments by name.
    """
    naming = task.naming
    if naming.names_runs:
        return naming.run_name(args, kwargs)
    if not naming.has_target or task.options.get("task_run_name") is not None:
        return None
    return naming.default_run_name(task.name, args, kwargs)


def for_prefect(value: Any) -> Any:
    """Return the arguments of a task with Prefect's marks in place of ours, and data of Items."""
    return replace(value, _as_prefects)


def for_prefect_flow(value: Any) -> Any:
    """Return the arguments of a flow with Prefect's marks in place of ours; Items stay Items."""
    return replace(value, _marked)


def hidden_iterator(value: Any) -> Any:
    """Return an iterator hidden from Prefect, which would use it up; all else as it is."""
    return Carried(value) if is_iterator(value) else value


def _as_prefects(value: Any) -> Any:
    return value.load() if is_item(value) else _marked(value)


def _marked(value: Any) -> Any:
    if isinstance(value, allow_failure):
        return prefect_allow_failure(for_prefect(value.unwrap()))
    if isinstance(value, unmapped):
        return prefect_unmapped(for_prefect(value.unwrap()))
    if isinstance(value, FutureList | Future):
        # Of a mode in which nothing runs in the background.
        return for_prefect(value.result())
    return value


def _as_list(wait_for: Any) -> list[Any] | None:
    if wait_for is None:
        return None
    return [*wait_for] if hasattr(wait_for, "__iter__") else [wait_for]


def _for_prefect(value: Any) -> Any:
    if isinstance(value, allow_failure):
        return prefect_allow_failure(replace(value.unwrap(), _for_prefect))
    if is_future_list(value):
        return [_for_prefect(future) for future in value]
    if is_unmapped(value):
        return replace(value.unwrap(), _for_prefect)
    return Carried(value) if is_iterator(value) else _without_hits(value)


def _without_hits(value: Any) -> Any:
    if isinstance(value, Hit):
        # Prefect would note a run that never was.
        return value.given
    if is_future(value) and not is_prefect_future(value):
        return value.result()
    return value
