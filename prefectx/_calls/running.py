"""Counting in a run's report the calls whose output is not kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from prefectx._calls.run import current_run
from prefectx._identity.short_text import short_text_of_call

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from types import TracebackType

    from prefectx._naming.decorated import AnyTask


class counted:  # noqa: N801 - used as a function
    """Count one run of a task's function in the report of the run that is under way.

    Args:
        task: The task.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
    """

    __slots__ = ("_args", "_kwargs", "_start", "_task")

    def __init__(self, task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._task = task
        self._args = args
        self._kwargs = kwargs

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        report = current_run().report
        if error is None:
            call = self._call() if report.has_failures else ""
            report.ran(self._task, time.perf_counter() - self._start, call)
        elif not isinstance(error, GeneratorExit):
            report.failed(self._task, self._call(), None, error)

    def _call(self) -> str:
        arguments = self._task.naming.bind(*self._args, **self._kwargs)
        return short_text_of_call(self._task.qualified_name, arguments)


async def counted_coroutine(
    running: Coroutine[Any, Any, Any],
    task: AnyTask,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """Await a run of a task's function, and count it."""
    with counted(task, args, kwargs):
        return await running
