"""`Report`: a run's counts per task, and its failed calls."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

from prefectx._calls.task_report import Failure, TaskReport, seconds_text, table
from prefectx._logs.durations import format_duration
from prefectx._words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefectx._naming.decorated import AnyTask

_MOST_FAILURES: Final = 1000
_SHOWN: Final = 10
_NOTED: Final = 5


class Report:
    """A summary of a run: its calls by task, its failures, its duration.

    Attributes:
        flow: The flow's name; "" for calls outside any flow.
        mode: The mode that it ran in.
        failures: The calls that raised and did not succeed in a later attempt.
        error: The exception that the flow raised, or None.
        ended: Whether the run has ended.
    """

    def __init__(self, flow: str = "", mode: str = "") -> None:
        self.flow = flow
        self.mode = mode
        self.error: BaseException | None = None
        self.ended = False
        self._start = time.perf_counter()
        self._seconds: float | None = None
        self._lines: dict[str, TaskReport] = {}
        self._failures: dict[tuple[str, str], Failure] = {}
        #: The logger that prints the report; None for standard error.
        self.log: Any = None
        #: A function that restores the handler of Ctrl-C, after an interruption.
        self.at_end: Callable[[], object] | None = None

    @property
    def seconds(self) -> float:
        """The duration of the run, so far if it has not ended."""
        if self._seconds is not None:
            return self._seconds
        return time.perf_counter() - self._start

    @property
    def tasks(self) -> list[TaskReport]:
        """The counts of each task, in the order of their first calls."""
        return [line for line in list(self._lines.values()) if line.calls]

    @property
    def has_failures(self) -> bool:
        """True if any call has raised so far."""
        return bool(self._failures)

    @property
    def failures(self) -> list[Failure]:
        """The calls that raised and did not succeed in a later attempt."""
        return list(self._failures.values())

    def __getitem__(self, task: str) -> TaskReport:
        """Return the counts of the task with this name."""
        for line in self.tasks:
            if line.task == task:
                return line
        raise KeyError(task)

    def __iter__(self) -> Iterator[TaskReport]:
        return iter(self.tasks)

    def lines(self) -> Iterator[tuple[str, TaskReport]]:
        """Return the counts of all tasks that were called, with their qualified names."""
        return ((name, line) for name, line in list(self._lines.items()) if line.calls)

    def line(self, task: AnyTask) -> TaskReport:
        """Return the counts of a task, to add to."""
        known = self._lines.get(task.qualified_name)
        if known is None:
            known = self._lines.setdefault(task.qualified_name, TaskReport(task.name))
        return known

    def add_run(
        self,
        task: AnyTask,
        seconds: float,
        call: str = "",
        size: int | None = None,
        folder: str | None = None,
    ) -> None:
        """Count a call that completed.

        Args:
            task: The task.
            seconds: Its duration.
            call: The call as short text, if an earlier attempt at it may have failed.
            size: The size of its output in bytes, if known.
            folder: The folder of its output, if it has one.
        """
        line = self.line(task)
        line.ran += 1
        line.seconds += seconds
        line.bytes += size or 0
        if folder is not None:
            line.add_folder(folder)
        key = (task.qualified_name, call)
        if key in self._failures:
            del self._failures[key]
            line.failed -= 1

    def add_failure(self, task: AnyTask, failure: Failure) -> None:
        """Count a call that raised; a later attempt at the same call replaces it."""
        key = (failure.task, failure.call)
        if key not in self._failures:
            self.line(task).failed += 1
            if len(self._failures) >= _MOST_FAILURES:
                return
        self._failures[key] = failure

    def end(self, error: BaseException | None) -> None:
        """Note that the run has ended, with the exception that it raised, if any."""
        self._seconds = time.perf_counter() - self._start
        self.ended = True
        self.error = error
        if self.at_end is not None:
            self.at_end()
        if isinstance(error, Exception):
            self._note_others(error)

    def _note_others(self, error: Exception) -> None:
        """Add a note about the other failures to the exception that a flow raises."""
        failures = self.failures
        # An exception from another process is a copy: it is recognised by its text.
        same = [failure for failure in failures if _is_same(error, failure.error)]
        raised = next((one for one in same if one.error is error), same[0] if same else None)
        others = [failure for failure in failures if failure is not raised]
        is_other = "other " if len(others) < len(failures) else ""
        if not others or not (is_other or _is_of_prefect(error)):
            return
        calls = [f"  {failure.call}: {failure.exception}" for failure in others[:_NOTED]]
        if len(others) > _NOTED:
            calls.append(f"  and {len(others) - _NOTED:,} more: see prefectx.last_run().failures")
        noun = f"{is_other}call"
        note = "\n".join([f"{counted(len(others), noun)} failed in this run:", *calls])
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)

    def text(self) -> str:
        """Return the text printed at the end: a line for each task, then each failed call."""
        rows = [line.row() for line in self.tasks]
        return "\n".join([self._headline(), *table(rows), *self._failure_lines()])

    def live_lines(self) -> list[str]:
        """Return the lines shown on a terminal while the run goes on: one for each task."""
        rows = [line.row() for line in self.tasks]
        return [f"prefectx: {self.flow}, {format_duration(self.seconds)} so far", *table(rows)]

    def live_line(self) -> str:
        """Return the line printed now and then where there is no terminal."""
        tasks = [
            f"{line.task} {line.ran:,} ran, {line.skipped:,} skipped"
            + (f", {line.failed:,} failed" if line.failed else "")
            for line in self.tasks
        ]
        so_far = "; ".join(tasks) or "no call has ended yet"
        return f"prefectx: {self.flow}, {format_duration(self.seconds)} so far: {so_far}"

    def print(self, text: str) -> None:
        """Print a text about the run to the flow run's log, or to standard error."""
        if self.log is not None:
            self.log("%s", text)
        elif sys.stderr is not None:
            # One call, so that other threads cannot print between the lines.
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def _headline(self) -> str:
        how = "done"
        if isinstance(self.error, KeyboardInterrupt):
            how = "stopped"
        elif self.error is not None:
            how = f"failed ({type(self.error).__name__})"
        return f"prefectx: {self.flow} {how} in {seconds_text(self.seconds)} (mode {self.mode})"

    def _failure_lines(self) -> Iterator[str]:
        failures = self.failures
        for failure in failures[:_SHOWN]:
            yield f"  failed: {failure.call}"
            yield f"    {failure.exception}"
            if failure.command is not None:
                yield f"    {failure.command}"
        if len(failures) > _SHOWN:
            yield f"  and {len(failures) - _SHOWN:,} more: {_ls(failures)}"

    def __repr__(self) -> str:
        return f"<Report of {self.flow}: {self.tasks!r}>"


def _ls(failures: list[Failure]) -> str:
    # Failed calls without a record are not listed. Flows may keep outputs in several folders.
    listings = dict.fromkeys(one.listing for one in failures if one.listing is not None)
    return "; ".join(listings) or "prefectx.last_run().failures"


def _is_same(one: BaseException, other: BaseException) -> bool:
    # An exception from another process is a copy.
    return one is other or (type(one) is type(other) and str(one) == str(other))


def _is_of_prefect(error: Exception) -> bool:
    """Tell whether it is an error of Prefect's, which does not name the call that failed."""
    return type(error).__module__.partition(".")[0] == "prefect"


_last: list[Report] = []


def last_run() -> Report | None:
    """Return the report of the flow that ended last in this process; None if none has ended.

    Example:
        >>> @task(target=None)
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> @flow
        ... def doubles() -> int:
        ...     return double(1) + double(2)
        >>> doubles()
        6
        >>> last_run()["double"].ran
        2
    """
    return _last[-1] if _last else None


def set_last_run(report: Report) -> None:
    """Set the report that `last_run` returns."""
    _last[:] = [report]
