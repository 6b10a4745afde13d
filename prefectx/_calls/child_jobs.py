"""What a child is given to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from prefectx._calls.execute import arun_and_keep, execute, run_and_keep
from prefectx._calls.run import task_body
from prefectx.stores import journal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefectx._api.task import Task
    from prefectx._calls.call import Call


class Execution:
    """To run a task's function and return what it gives."""

    def __init__(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        self.task = task
        self.args = args
        self.kwargs = kwargs
        self.target: str | None = None

    def do(self) -> Any:
        """Do it, here."""
        with task_body():
            result = execute(self.task, self.args, self.kwargs)
            return asyncio.run(result) if self.task.is_async else result


class Making:
    """To run a task's function and keep what it gives; without a target, to return it."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.task = call.task
        self.args = call.args
        self.kwargs = call.kwargs
        self.target = None if call.item is None else call.item.target

    def do(self) -> Any:
        """Do it, here."""
        # The parent notes it, or there would be a file a child.
        journal.stop()
        call = self._call
        made = asyncio.run(arun_and_keep(call)) if self.task.is_async else run_and_keep(call)
        return made if call.item is None else None


Work = Execution | Making
