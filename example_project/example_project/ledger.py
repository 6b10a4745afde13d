"""What happened in this process: how often tasks were called and really ran, for how long, what is kept."""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from prefectx import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prefectx import Task

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Entry:
    """One task's line."""

    calls: int = 0
    ran: int = 0
    seconds: float = 0.0
    outputs: set[Path] = field(default_factory=set)

    @property
    def skipped(self) -> int:
        """How many calls found their output done."""
        return self.calls - self.ran

    @property
    def size(self) -> int:
        """The bytes of what is kept."""
        return sum(path.stat().st_size for path in self.outputs if path.exists())


def total(entries: Iterable[Entry]) -> Entry:
    """Return all lines as one."""
    sum_of = Entry()
    for entry in entries:
        sum_of.calls += entry.calls
        sum_of.ran += entry.ran
        sum_of.seconds += entry.seconds
        sum_of.outputs |= entry.outputs
    return sum_of


class Ledger:
    """Counts calls in the flow and runs in the tasks, from any thread."""

    def __init__(self) -> None:
        self.entries: defaultdict[str, Entry] = defaultdict(Entry)
        self._lock = threading.Lock()
        self._pending: list[tuple[Entry, Any]] = []

    def timed(self, fn: Callable[P, R]) -> Callable[P, R]:
        """Count and time each run of `fn`; goes under `@task`."""

        @functools.wraps(fn)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            start = time.perf_counter()
            result = fn(*args, **kwargs)
            spent = time.perf_counter() - start
            with self._lock:
                entry = self.entries[fn.__name__]
                entry.ran += 1
                entry.seconds += spent
            return result

        return wrapper

    def submit(self, task: Task[..., R], *args: object) -> Any:  # noqa: ANN401 - a future of R, or of its handle
        """Count a call of `task` and submit it."""
        with self._lock:
            entry = self.entries[task.fn.__name__]
            entry.calls += 1
        future = task.submit(*args)
        self._pending.append((entry, future))
        return future

    def settle(self) -> None:
        """Wait for all that was submitted, and note what is kept of it."""
        for entry, future in self._pending:
            result = future.result()
            if isinstance(result, Item):
                entry.outputs.add(Path(result.path))
        self._pending.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self._pending.clear()


LEDGER: Final = Ledger()
