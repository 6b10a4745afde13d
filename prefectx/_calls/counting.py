"""Counting of calls whose output is not stored, in the run's report."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from prefectx._calls.run import current_run
from prefectx._calls.task_report import Failure
from prefectx._identity.short_text import short_text_of_call
from prefectx._naming.options import own_arguments

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from types import TracebackType

    from prefectx._naming.decorated import AnyTask


class count_run:  # noqa: N801 - used as a function
    """Count one run of a task's function in the current run's report.

    Args:
        task: The task.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
    """

    __slots__ = ("_called", "_start", "_task")

    def __init__(self, task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._task = task
        self._called = (task, args, kwargs)

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        report = current_run().report
        if error is None:
            call = text_of_call(*self._called) if report.has_failures else ""
            report.add_run(self._task, time.perf_counter() - self._start, call)
        elif not isinstance(error, GeneratorExit):
            task, call = self._task, text_of_call(*self._called)
            report.add_failure(task, Failure(task.qualified_name, call, None, error))


async def count_coroutine(
    running: Coroutine[Any, Any, Any],
    task: AnyTask,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """Async version of `count_run`: await a coroutine, and count it."""
    with count_run(task, args, kwargs):
        return await running


def text_of_call(task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Return a call as short text, with the name alone if the arguments do not fit the function.

    Args:
        task: The task.
        args: Its positional arguments.
        kwargs: Its keyword arguments, also `wait_for` and `return_state`.
    """
    try:
        arguments = task.naming.bind(*args, **own_arguments(kwargs))
    except TypeError:
        # The caller gets the mode's own error.
        return f"{task.qualified_name}(…)"
    return short_text_of_call(task.qualified_name, arguments)
