"""Fingerprints of files: size and time are compared first, the content if the time differs."""

from __future__ import annotations

import os
import time
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, Final, NamedTuple

from xxhash import xxh3_64_intdigest, xxh3_128

from prefectx._identity.url_fingerprint import content_of_url, is_url, look_at_url, without_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

_PART: Final = 1 << 20
# A system's clock for files may be this much behind: within it, a file changes unnoticed.
_TICK: Final = 20_000_000


class FileFingerprint(NamedTuple):
    """The size, time, place and content of a file, or of all files below a folder.

    Attributes:
        size: The size in bytes; for a folder, the sum of its files.
        changed: A hash of the time of the last change, also of one that kept the time of the
            content, and of the inode; for a folder, of the names and all of that below it. 0 if the
            file had changed just before: then its time does not tell whether it has changed since.
        content: A hash of the content; for a folder, of the names and contents below it.
    """

    size: int
    changed: int
    content: str

    @classmethod
    def of(cls, path: str, *, is_output: bool = False) -> FileFingerprint | None:
        """Return the fingerprint of the file or folder at a path; None if there is none.

        Args:
            path: The path.
            is_output: Whether a task has just written it, and nobody writes it again at once: so
                that a hit need not read it.
        """
        now = time.time_ns()
        looked = _look(path)
        if looked is None:
            return None
        size, changed, latest = looked
        return cls(size, changed if is_output or latest < now - _TICK else 0, _content(path))

    def matches(self, path: str) -> bool:
        """Tell whether the content at a path is unchanged; read it only if its size is equal."""
        looked = _look(path)
        if looked is None or looked[0] != self.size:
            return False
        return looked[1] == self.changed or _content(path) == self.content


def is_unchanged(path: str, found: tuple[int, int, str] | None) -> bool:
    """Tell whether a path has what a record says of it: None if nothing was there."""
    return not is_there(path) if found is None else FileFingerprint(*found).matches(path)


def is_there(path: str) -> bool:
    """Tell whether there is a file or folder at a path or URL."""
    if is_url(path):
        return look_at_url(path) is not None
    return os.path.exists(without_scheme(path))


def _look(path: str) -> tuple[int, int, int] | None:
    """Return the size of a file or folder, its `changed`, and the time of its last change."""
    if is_url(path):
        return look_at_url(path)
    path = without_scheme(path)
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not S_ISDIR(found.st_mode):
        return found.st_size, _hash_of([_mark_of(found)]), _time_of(found)
    size, times, marks, names = 0, [_time_of(found)], [_mark_of(found)], [b""]
    for name in _all_below(path):
        # A link that leads nowhere is looked at itself.
        within = os.path.join(path, name)
        status = os.stat(within) if os.path.exists(within) else os.lstat(within)
        size += 0 if S_ISDIR(status.st_mode) else status.st_size
        times.append(_time_of(status))
        marks.append(_mark_of(status))
        names.append(os.fsencode(name))
    return size, _hash_of([*names, *marks]), max(times)


def _hash_of(parts: list[bytes]) -> int:
    return xxh3_64_intdigest(b"\0".join(parts)) >> 1


def _mark_of(status: os.stat_result) -> bytes:
    # Files that were unpacked together have one time, so the time alone does not show that a link
    # leads to another file.
    return b"%d %d" % (_time_of(status), status.st_ino)


def _time_of(status: os.stat_result) -> int:
    # Programs that set the time of the content back, as `cp -p` and `touch -r`, change the other.
    return max(status.st_mtime_ns, status.st_ctime_ns)


def _content(path: str) -> str:
    if is_url(path):
        return content_of_url(path)
    path = without_scheme(path)
    whole = xxh3_128()
    if not os.path.isdir(path):
        _feed(whole, path)
        return whole.hexdigest()
    for name in _all_below(path):
        within = os.path.join(path, name)
        if os.path.isdir(within):
            whole.update(os.fsencode(name) + b"\0/\0")
        elif not os.path.exists(within):
            whole.update(os.fsencode(name) + b"\0" + os.fsencode(os.readlink(within)) + b"\0")
        elif S_ISREG((status := os.stat(within)).st_mode):
            whole.update(os.fsencode(name) + b"\0%d\0" % status.st_size)
            _feed(whole, within)
    return whole.hexdigest()


def _feed(whole: xxh3_128, path: str) -> None:
    with open(path, "rb", buffering=0) as file:
        while part := file.read(_PART):
            whole.update(part)


def _all_below(path: str) -> Iterator[str]:
    """Yield all files and folders below a folder; folders that links lead to count as others."""
    seen: set[str] = set()
    for folder, folders, files in os.walk(path, followlinks=True):
        # A link may lead to a folder that it lies in.
        folders[:] = sorted(name for name in folders if _is_new(os.path.join(folder, name), seen))
        for name in sorted([*folders, *files]):
            yield os.path.relpath(os.path.join(folder, name), path)


def _is_new(folder: str, seen: set[str]) -> bool:
    real = os.path.realpath(folder)
    if real in seen:
        return False
    seen.add(real)
    return True
