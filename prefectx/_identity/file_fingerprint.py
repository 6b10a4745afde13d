"""Fingerprints of files: size and time are compared first, the content if the time differs."""

from __future__ import annotations

import os
from stat import S_ISDIR
from typing import TYPE_CHECKING, Final, NamedTuple

from xxhash import xxh3_128

if TYPE_CHECKING:
    from collections.abc import Iterator

_PART: Final = 1 << 20


class FileFingerprint(NamedTuple):
    """The size, time and content of a file, or of all files below a folder.

    Attributes:
        size: The size in bytes; for a folder, the sum of its files.
        changed: The time of the last change in nanoseconds; for a folder, the latest below it.
        content: A hash of the content; for a folder, of the names and contents below it.
    """

    size: int
    changed: int
    content: str

    @classmethod
    def of(cls, path: str) -> FileFingerprint | None:
        """Return the fingerprint of the file or folder at a path; None if there is none."""
        looked = _look(path)
        return None if looked is None else cls(*looked, _content(path))

    def matches(self, path: str) -> bool:
        """Tell whether the content at a path is unchanged; read it only if its size is equal."""
        looked = _look(path)
        if looked is None or looked[0] != self.size:
            return False
        return looked[1] == self.changed or _content(path) == self.content


def _look(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
        if not S_ISDIR(found.st_mode):
            return found.st_size, found.st_mtime_ns
        files = [os.stat(os.path.join(path, name)) for name in _files_below(path)]
    except (FileNotFoundError, NotADirectoryError):
        return None
    # The folders' own times change when a file is removed or renamed.
    times = [os.stat(folder).st_mtime_ns for folder, _, _ in os.walk(path)]
    return sum(file.st_size for file in files), max([*times, *(f.st_mtime_ns for f in files)])


def _content(path: str) -> str:
    whole = xxh3_128()
    if not os.path.isdir(path):
        _feed(whole, path)
        return whole.hexdigest()
    for name in _files_below(path):
        whole.update(f"{name}\0{os.stat(os.path.join(path, name)).st_size}\0".encode())
        _feed(whole, os.path.join(path, name))
    return whole.hexdigest()


def _feed(whole: xxh3_128, path: str) -> None:
    with open(path, "rb", buffering=0) as file:
        while part := file.read(_PART):
            whole.update(part)


def _files_below(path: str) -> Iterator[str]:
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            yield os.path.relpath(os.path.join(folder, name), path)
