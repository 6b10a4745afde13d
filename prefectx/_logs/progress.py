"""Log lines about long tasks: `still running: clean report-7, 35 min, 2.1 GB`.

One thread per process watches all tasks that run in it, so a task spends only a few microseconds
on it. The thread ends about a second after the last task.
"""

from __future__ import annotations

import os
import threading
import time
from contextvars import Context, ContextVar, Token, copy_context
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from prefectx._logs.durations import format_duration, parse_duration
from prefectx._logs.loggers import Logger, standard_logger
from prefectx._logs.process_memory import format_memory, resident_memory

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE: Final = "PREFECTX_STILL_RUNNING"
"""The interval between two such lines of a task; `0` or an empty text turns them off."""

_DEFAULT: Final = "5min"
_LONGEST_SLEEP: Final = 1.0
# Tests that replace `time.sleep`, to see how long a task waits, do not mean the watcher's.
_sleep: Final = time.sleep


def interval() -> float:
    """Return the interval between two lines of one task, in seconds; 0 for no lines.

    Raises:
        InvalidDuration: `$PREFECTX_STILL_RUNNING` is not a duration.
    """
    return _parse(os.environ.get(VARIABLE, _DEFAULT))


@lru_cache(maxsize=8)
def _parse(text: str) -> float:
    return parse_duration(text) if text.strip() else 0.0


class StillRunning:
    """A context manager that logs a line at intervals while its block runs.

    Args:
        label: Returns the task's name for the line; called for each line.
        seconds: The time to the first line, and between two; 0 for no lines.
        logger: Returns the run's logger, in the run's own context.
    """

    __slots__ = ("_around", "_context", "_label", "_logger", "_started", "due", "pid", "seconds")

    def __init__(
        self,
        label: Callable[[], str],
        seconds: float,
        logger: Callable[[], Logger] = standard_logger,
    ) -> None:
        self._label = label
        self._logger = logger
        self._context: Context | None = None
        self._around: Token[StillRunning | None] | None = None
        self._started = self.due = 0.0
        self.seconds = seconds
        #: The process whose memory is reported; None for this one.
        self.pid: int | None = None

    def __enter__(self) -> None:
        if not self.seconds:
            return
        self._started = time.monotonic()
        self.due = self._started + self.seconds
        self._around = _current.set(self)
        # The logger finds the run through the context.
        self._context = copy_context()
        _watcher.add(self)

    def __exit__(self, *_: object) -> None:
        if self._around is not None:
            _watcher.remove(self)
            _current.reset(self._around)

    def log(self, now: float) -> None:
        """Log the line."""
        self.due = now + self.seconds
        if self._context is not None:
            self._context.run(self._log, now - self._started)

    def _log(self, elapsed: float) -> None:
        parts = [self._label(), format_duration(elapsed)]
        if (size := resident_memory(self.pid)) is not None:
            parts.append(format_memory(size))
        self._logger().info("still running: %s", ", ".join(parts))


class _Watcher:
    """The tasks that run in this process, and the thread that watches them."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._running: Final[set[StillRunning]] = set()
        self._thread: threading.Thread | None = None

    def add(self, task: StillRunning) -> None:
        with self._lock:
            self._running.add(task)
            # After a fork the child has the Thread object, but not the thread.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._look, name="prefectx-still-running", daemon=True
                )
                self._thread.start()

    def remove(self, task: StillRunning) -> None:
        with self._lock:
            self._running.discard(task)

    def _look(self) -> None:
        while (due := self._next_due()) is not None:
            _sleep(max(0.0, min(_LONGEST_SLEEP, due - time.monotonic())))
            now = time.monotonic()
            with self._lock:
                late = [task for task in self._running if task.due <= now]
            for task in late:
                task.log(now)

    def _next_due(self) -> float | None:
        with self._lock:
            if self._running:
                return min(task.due for task in self._running)
            self._thread = None
            return None


_watcher: Final = _Watcher()
_current: Final[ContextVar[StillRunning | None]] = ContextVar(
    "prefectx_still_running", default=None
)


def set_worker_process(pid: int | None) -> None:
    """Set the process that does the work of the current task, to report its memory.

    Args:
        pid: The process; None for this one.
    """
    if (here := _current.get()) is not None:
        here.pid = pid
