"""`prefectx run --keep-going`: after a call has failed, the flow goes on with what needs it not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._identity.short_text import short_text_of_call
from prefectx._runners.cache import CacheRunner
from prefectx._values.containers import replace
from prefectx._values.item import Item, is_item
from prefectx.cli.absent import AbsentStore
from prefectx.errors import TargetMissing

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


class FailedCall(TargetMissing):
    """The flow needs the output of a call that has failed."""


class KeepGoingRunner(CacheRunner):
    """Runs tasks as in mode `cache`, but a call that fails gives an Item without an output."""

    def __init__(self) -> None:
        super().__init__()
        #: The calls that were not tried because an argument's call has failed, as short texts.
        self.not_tried: list[str] = []
        #: The first exception.
        self.error: Exception | None = None

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return the call's Item, or one that cannot be loaded if the call fails."""
        if _holds_failed(args) or _holds_failed(kwargs):
            call = short_text_of_call(task.qualified_name, task.naming.bind(*args, **kwargs))
            self.not_tried.append(call)
            failed: Any = _failed(task, f"{call} was not tried: the call of an input has failed")
            return _later(failed) if task.is_async and not task.is_generator else failed
        try:
            result = super().run(task, args, kwargs)
        except Exception as error:  # noqa: BLE001 - the run's report has it
            return self._note(task, args, kwargs, error)
        is_coroutine = task.is_async and not task.is_generator
        return self._arun(task, args, kwargs, result) if is_coroutine else result

    async def _arun(
        self, task: AnyTask, args: Args, kwargs: Kwargs, running: Coroutine[Any, Any, Any]
    ) -> Any:
        try:
            return await running
        except Exception as error:  # noqa: BLE001 - the run's report has it
            return self._note(task, args, kwargs, error)

    def _note(self, task: AnyTask, args: Args, kwargs: Kwargs, error: Exception) -> Item[Any]:
        self.error = self.error or error
        call = short_text_of_call(task.qualified_name, task.naming.bind(*args, **kwargs))
        return _failed(task, f"the flow needs the output of {call}, which has failed: {error}")


async def _later(value: Any) -> Any:
    return value


def _failed(task: AnyTask, text: str) -> Item[Any]:
    return Item(AbsentStore(None, FailedCall(text)), task.name, "")


def _holds_failed(values: Any) -> bool:
    found: list[Any] = []

    def look(value: Any) -> Any:
        if is_item(value) and isinstance(value.store, AbsentStore):
            found.append(value)
        return value

    replace(values, look)
    return bool(found)
