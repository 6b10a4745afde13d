"""Processes that save outputs are killed at random moments: what is there afterwards?"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from filling import FIRST, TARGETS, fill, saved, seed_in
from forks import child_of, end_child, wait_for
from report import Report

from prefectx.errors import CorruptTarget, TargetMissing

if TYPE_CHECKING:
    from prefectx.stores import Store

    class MakeStore(Protocol):
        """Returns the store below a folder, durable or not."""

        def __call__(self, folder: Path, *, durable: bool) -> Store:
            """Return the store."""
            ...


_EARLY: Final = 5
"""One in how many children is killed without waiting for its first saves."""

_LONGEST: Final = 0.15
"""How many seconds after its first saves a child is killed at the latest."""


def run(kills: int, make_store: MakeStore) -> Report:
    """Kill that many processes, one after the other, in one folder; look at it after each.

    Args:
        kills: How many.
        make_store: Returns the store below a folder, durable or not.
    """
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        torture = _Torture(Path(folder), make_store)
        total = Report()
        for number in range(kills):
            total += torture.kill(number)
        return total + torture.end(kills)


class _Torture:
    def __init__(self, folder: Path, make_store: MakeStore) -> None:
        self.root = folder / "root"
        self.done = folder / "done"
        self.make_store = make_store
        self.drawn = random.Random(0)  # noqa: S311 - torture can be repeated
        self.expected: dict[str, int] = {}

    def kill(self, number: int) -> Report:
        """Let a child save outputs, kill it, and look at all targets."""
        stale = self._unfinished()
        early = number % _EARLY == 1
        child = self._child(number)
        if early:
            # Perhaps while it still removes what the child before has left.
            time.sleep(self.drawn.uniform(0, 0.01))
        else:
            wait_for(child, lambda: set(FIRST) <= saved(self.done).keys())
            stale &= self._unfinished()
            time.sleep(self.drawn.uniform(0, _LONGEST))
        end_child(child)
        report = self._looked_at()
        self._lose_some()
        return report if early else report + Report(left=len(stale))

    def end(self, number: int) -> Report:
        """Let a last process save outputs in all folders: no unfinished file is left."""
        store = self._store()
        for target in FIRST:
            store.save(target, (number, b""))
        return Report(left=len(self._unfinished()))

    def _store(self) -> Store:
        """Return a store that knows nothing of what the children did."""
        return self.make_store(self.root, durable=False)

    def _child(self, number: int) -> int:
        self.done.unlink(missing_ok=True)

        def work() -> None:
            store = self.make_store(self.root, durable=number % 2 == 1)
            fill(store, self.done, (number + 1) * 1_000_000)

        return child_of(work)

    def _looked_at(self) -> Report:
        """Load all that is listed, and all that must be there."""
        self.expected |= saved(self.done)
        store = self._store()
        listed = set(store.list())
        taken = listed - {*TARGETS, *FIRST}
        total = Report(left=len(taken))
        for target in sorted((listed - taken) | self.expected.keys()):
            total += self._looked_at_one(store, target)
        return total

    def _looked_at_one(self, store: Store, target: str) -> Report:
        try:
            seed = seed_in(target, store.load(target))
        except TargetMissing:
            return Report(tried=1, lost=1)
        except CorruptTarget:
            seed = None
        if seed is None:
            return Report(tried=1, torn=1, lost=target in self.expected)
        # The child may have saved a later one and not lived to say so.
        report = Report(tried=1, lost=seed < self.expected.get(target, 0))
        self.expected[target] = seed
        return report

    def _lose_some(self) -> None:
        """Delete some targets, so that the next child makes new ones too."""
        store = self._store()
        for target in sorted(self.expected):
            if self.drawn.random() < 1 / 4:
                store.delete(target)
                del self.expected[target]

    def _unfinished(self) -> set[Path]:
        return set(self.root.rglob(".prefectx-*"))
