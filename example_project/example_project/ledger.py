"""What happened: how often tasks were called and really ran, for how long, what is kept."""

from __future__ import annotations

import functools
import os
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from prefectx import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from prefectx import Task

P = ParamSpec("P")
R = TypeVar("R")

SHARED_FILE: Final = "EXAMPLE_PROJECT_LEDGER"
"""The variable that names a file in which several processes note their runs, a line each."""


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
        return max(self.calls - self.ran, 0)  # a worker that dies has its last task run again

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
            if shared := os.environ.get(SHARED_FILE):
                # A short line is appended whole.
                with open(shared, "a", encoding="utf-8") as file:  # noqa: PTH123 - a name, not a path
                    file.write(f"{os.getpid()} {fn.__name__} {spent}\n")
            else:
                self._note(fn.__name__, spent)
            return result

        return wrapper

    def take_in_shared(self) -> None:
        """Note what all processes have written to the shared file, if there is one."""
        if shared := os.environ.get(SHARED_FILE):
            for line in Path(shared).read_text(encoding="utf-8").splitlines():
                _, name, spent = line.split()
                self._note(name, float(spent))

    def _note(self, name: str, spent: float) -> None:
        with self._lock:
            entry = self.entries[name]
            entry.ran += 1
            entry.seconds += spent

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


@contextmanager
def shared_file() -> Generator[None]:
    """Have the runs within noted in a file, which the processes that are started within inherit."""
    if SHARED_FILE in os.environ:
        yield
        return
    with tempfile.NamedTemporaryFile() as file:
        os.environ[SHARED_FILE] = file.name
        try:
            yield
        finally:
            del os.environ[SHARED_FILE]


LEDGER: Final = Ledger()
