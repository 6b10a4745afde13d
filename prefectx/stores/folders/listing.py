"""The names in remote folders: a run lists each folder once, instead of asking for each name.

A flow over 5,000 outputs in an object store would otherwise ask it 5,000 times what is there.
Within a run, the first question about a folder lists it, and what this process writes and deletes
is noted. A run does not see what others write meanwhile: it makes such an output again. Outside
of any run, the store is asked each time.

The task that made an output is named in a separate record. Records are read ahead: many at once,
if those that were read before have been asked for.
"""

from __future__ import annotations

from _thread import allocate_lock
from bisect import bisect_left
from contextvars import ContextVar
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    class NamesIn(Protocol):
        """Lists a folder of a root: names from the root on."""

        def __call__(self, folder: str, *, deep: bool) -> Iterable[str]:
            """Return the names of the files in the folder, or of all below it."""
            ...


_SIBLINGS: Final = 3
"""The number of listed subfolders after which their parent is listed as a whole."""

_MOST_AHEAD: Final = 500
"""The most files that are read at once."""


class _Names:
    """The names of the files in a folder, as they were listed and with what was noted since."""

    __slots__ = ("_ordered", "there")

    def __init__(self, names: Iterable[str]) -> None:
        self.there: Final = set(names)
        self._ordered: list[str] | None = None

    def following(self, first: str, most: int, *, but: Container[str]) -> list[str]:
        """Return a name and those that come next, but for some, `most` in all."""
        if self._ordered is None:
            self._ordered = sorted(self.there, key=_counting)
        start = bisect_left(self._ordered, _counting(first), key=_counting)
        others = chain(islice(self._ordered, start, None), islice(self._ordered, start))
        found = (n for n in others if n != first and n in self.there and n not in but)
        return [first, *islice(found, most - 1)]


def _counting(name: str) -> tuple[int, str]:
    """Let 9 come before 10, as calls mostly do."""
    return len(name), name


class Listings:
    """The folders that one run has listed."""

    def __init__(self) -> None:
        self._lock: Final = allocate_lock()
        # By root and folder; of what was listed as a whole, names below sub-folders too.
        self._flat: Final[dict[tuple[str, str], _Names]] = {}
        self._whole: Final[dict[tuple[str, str], _Names]] = {}
        # By root, the marks of the files that were read.
        self._marks: Final[dict[str, dict[str, str]]] = {}
        # By root, how many marks had been read when they were asked for.
        self._found: Final[dict[str, int]] = {}

    def has(self, root: str, name: str, names_in: NamesIn) -> bool:
        """Tell whether there is a file of this name.

        Args:
            root: Which root is asked: a store's URL, or its table.
            name: The file's name in it.
            names_in: Lists a folder of the root.
        """
        # One thread lists, the others wait for what it finds.
        with self._lock:
            return name in self._names(root, name, names_in).there

    def mark(
        self,
        root: str,
        name: str,
        names_in: NamesIn,
        marks_of: Callable[[list[str]], Mapping[str, str]],
        ahead: int | None = None,
    ) -> str | None:
        """Return the mark in a file; "" if it was not listed, None if it has gone since.

        Args:
            root: Which root is asked: a store's URL, or its table.
            name: The file's name in it.
            names_in: Lists a folder of the root.
            marks_of: Reads the marks of files that were listed.
            ahead: How many are read at once after the first two, where that takes one question;
                by default twice as many as were useful so far.
        """
        with self._lock:
            names = self._names(root, name, names_in)
            if name not in names.there:
                return ""
            marks = self._marks.setdefault(root, {})
            found = self._found.setdefault(root, 0)
            if name in marks:
                self._found[root] += 1
            else:
                # At first one is read ahead: the next call may be another task's.
                most = ahead if ahead and found else min(_MOST_AHEAD, 2 + 2 * found)
                marks.update(marks_of(names.following(name, most, but=marks)))
            return marks.get(name)

    def update(self, root: str, name: str, *, is_there: bool) -> None:
        """Take in that a file was written or deleted."""
        with self._lock:
            known = self._known(root, name.rpartition("/")[0])
            if known is not None:
                (known.there.add if is_there else known.there.discard)(name)
            self._marks.get(root, {}).pop(name, None)

    def forget_mark(self, root: str, name: str) -> None:
        """Note that the mark in a file may be another one."""
        with self._lock:
            self._marks.get(root, {}).pop(name, None)

    def forget(self, root: str, name: str) -> None:
        """Let the folder of a file be listed again: others have changed it."""
        with self._lock:
            folder = name.rpartition("/")[0]
            self._flat.pop((root, folder), None)
            while folder:
                self._whole.pop((root, folder), None)
                folder = folder.rpartition("/")[0]
            self._marks.get(root, {}).pop(name, None)

    def _names(self, root: str, name: str, names_in: NamesIn) -> _Names:
        folder = name.rpartition("/")[0]
        known = self._known(root, folder)
        return self._listed(root, folder, names_in) if known is None else known

    def _known(self, root: str, folder: str) -> _Names | None:
        above = folder
        while above:
            if (found := self._whole.get((root, above))) is not None:
                return found
            above = above.rpartition("/")[0]
        return self._flat.get((root, folder))

    def _listed(self, root: str, folder: str, names_in: NamesIn) -> _Names:
        parent = folder.rpartition("/")[0]
        siblings = [key for key in self._flat if key[0] == root and _is_in(key[1], parent)]
        if parent and len(siblings) >= _SIBLINGS:
            found = self._whole[root, parent] = _Names(names_in(parent, deep=True))
            return found
        found = self._flat[root, folder] = _Names(names_in(folder, deep=False))
        return found


def _is_in(folder: str, parent: str) -> bool:
    return folder.rpartition("/")[0] == parent


listings: Final[ContextVar[Listings | None]] = ContextVar("prefectx_listings", default=None)
"""The listings of the current run; None outside any run."""
