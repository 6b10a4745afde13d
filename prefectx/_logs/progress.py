"""Long tasks say in the logs that they are alive: `still running: clean report-7, 35 min, 2.1 GB`.

One thread a process looks after all tasks that run in it. A task enters and leaves with a few
microseconds' work, for the thread looks by itself; it ends about a second after the last task.
"""

from __future__ import annotations

import os
import threading
import time
from contextvars import Context, ContextVar, Token, copy_context
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from prefectx._logs.durations import parse_duration, told_duration
from prefectx._logs.loggers import Logger, plain_logger
from prefectx._logs.process_memory import resident, told_memory

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE: Final = "PREFECTX_STILL_RUNNING"
"""Names the span of time between two such lines of a task; `0` or nothing turns them off."""

_DEFAULT: Final = "5min"
_LONGEST_SLEEP: Final = 1.0


def interval() -> float:
    """Return how many seconds shall lie between two lines of one task; 0 for no lines.

    Raises:
        InvalidDuration: `$PREFECTX_STILL_RUNNING` is no span of time.
    """
    return _parsed(os.environ.get(VARIABLE, _DEFAULT))


@lru_cache(maxsize=8)
def _parsed(text: str) -> float:
    return parse_duration(text) if text.strip() else 0.0


class StillRunning:
    """A context manager: while its block lasts, the run's logger gets a line now and then.

    Args:
        label: Gives what the line calls the task; asked when there is a line to write.
        seconds: How long it is until the first line, and between two; 0 for no lines.
        logger: Gives the run's logger, in the run's own context.
    """

    __slots__ = ("_around", "_context", "_label", "_logger", "_started", "due", "pid", "seconds")

    def __init__(
        self,
        label: Callable[[], str],
        seconds: float,
        logger: Callable[[], Logger] = plain_logger,
    ) -> None:
        self._label = label
        self._logger = logger
        self._context: Context | None = None
        self._around: Token[StillRunning | None] | None = None
        self._started = self.due = 0.0
        self.seconds = seconds
        #: The process that does the work; None for this one.
        self.pid: int | None = None

    def __enter__(self) -> None:
        if not self.seconds:
            return
        self._started = time.monotonic()
        self.due = self._started + self.seconds
        self._around = _here.set(self)
        # Its logger finds the run by the context.
        self._context = copy_context()
        _watch.add(self)

    def __exit__(self, *_: object) -> None:
        if self._around is not None:
            _watch.remove(self)
            _here.reset(self._around)

    def tell(self, now: float) -> None:
        """Write the line."""
        self.due = now + self.seconds
        if self._context is not None:
            self._context.run(self._tell, now - self._started)

    def _tell(self, elapsed: float) -> None:
        parts = [self._label(), told_duration(elapsed)]
        if (size := resident(self.pid)) is not None:
            parts.append(told_memory(size))
        self._logger().info("still running: %s", ", ".join(parts))


class _Watch:
    """The tasks that run in this process, and the thread that looks after them."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._running: Final[set[StillRunning]] = set()
        self._thread: threading.Thread | None = None

    def add(self, task: StillRunning) -> None:
        with self._lock:
            self._running.add(task)
            # Of a thread there was before a fork, the child has only the object.
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
            time.sleep(max(0.0, min(_LONGEST_SLEEP, due - time.monotonic())))
            now = time.monotonic()
            with self._lock:
                late = [task for task in self._running if task.due <= now]
            for task in late:
                task.tell(now)

    def _next_due(self) -> float | None:
        with self._lock:
            if self._running:
                return min(task.due for task in self._running)
            self._thread = None
            return None


_watch: Final = _Watch()
_here: Final[ContextVar[StillRunning | None]] = ContextVar("prefectx_still_running", default=None)


def work_is_done_by(pid: int | None) -> None:
    """Say which process does the work of the task that runs here, for its memory to be told.

    Args:
        pid: The process; None for this one.
    """
    if (here := _here.get()) is not None:
        here.pid = pid
