"""`Targets`: a fresh folder for targets, with methods to list, delete and damage them."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from pytest_prefectx.harm import cut_short, flip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from prefectx.stores import Store

RUNS_LOG: Final = "PREFECTX_RUNS_LOG"
"""The environment variable with the file to which prefectx adds a line for each run of a task."""

# The prefix of the names of records and temporary files.
RESERVED: Final = ".prefectx"


def names_below(folder: Path) -> Iterator[str]:
    """Yield the targets below `folder`, without records and temporary files."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(RESERVED) for part in parts):
            yield "/".join(parts)


class Targets:
    """The targets below a folder, and the number of runs of each task: the fixture `tmp_target`.

    Attributes:
        path: The folder.
        store: The store of the targets, if they are not in the folder.

    Example:
        >>> def test_warm_runs_skip(tmp_target: Targets) -> None:
        ...     assert tmp_target.items() == []
    """

    __module__ = "pytest_prefectx"

    def __init__(self, path: Path, runs_log: Path, store: Store | None = None) -> None:
        self.path: Final = path
        self.store: Final = store
        self._runs_log: Final = runs_log
        self._start: Final = runs_log.stat().st_size

    def __repr__(self) -> str:
        return f"Targets({str(self.path)!r})"

    def items(self) -> list[str]:
        """Return the targets, sorted, without records and temporary files."""
        if self.store is not None:
            return sorted(self.store.list())
        return sorted(names_below(self.path))

    @property
    def runs(self) -> Counter[str]:
        """The number of real runs of each task's function, in all processes, by its name."""
        with self._runs_log.open("rb") as log:
            log.seek(self._start)
            return Counter(log.read().decode().splitlines())

    def lose(self, pattern: str = "*") -> list[str]:
        """Delete the targets that match a pattern and return their names; `*` matches `/` too."""
        if self.store is not None:
            return self._harm(pattern, self.store.delete)
        return self._harm(pattern, lambda target: (self.path / target).unlink())

    def corrupt(self, pattern: str = "*") -> list[str]:
        """Flip every bit of the targets that match a pattern and return their names."""
        return self._harm(pattern, lambda target: self._change(target, flip))

    def truncate(self, pattern: str = "*") -> list[str]:
        """Remove the second half of the targets that match a pattern and return their names."""
        return self._harm(pattern, lambda target: self._change(target, cut_short))

    def _change(self, target: str, changed: Callable[[bytes], bytes]) -> None:
        if self.store is not None:
            self.store.replace_content(target, changed(self.store.content(target)))
            return
        path = self.path / target
        path.write_bytes(changed(path.read_bytes()))

    def _harm(self, pattern: str, harm: Callable[[str], object]) -> list[str]:
        names = [name for name in self.items() if fnmatchcase(name, pattern)]
        for name in names:
            harm(name)
        return names


def enter(
    folder: Path, runs_log: Path, patch: pytest.MonkeyPatch, store: Store | None = None
) -> Targets:
    """Change to `folder`, until `patch` is undone."""
    folder.mkdir(exist_ok=True)
    patch.chdir(folder)
    return Targets(folder, runs_log, store)
