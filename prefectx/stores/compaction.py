"""Compaction of a journal: the files of processes that have ended become one, without old lines.

It takes no lock. A process that writes to a file while that is removed notices, and writes its line
again; what it has written before is found when the file is read to its end after the removal.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, BinaryIO, Final

from prefectx.stores import journal
from prefectx.stores.record_fields import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUIET: Final = 3600.0
_MANY_FILES: Final = 32
_MOST_FILES: Final = 500
_COMPACTED: Final = "compacted-"


def is_large(root: str, number_of_lines: int, number_of_targets: int) -> bool:
    """Tell whether compacting a journal is worth it.

    Args:
        root: The folder of the journal.
        number_of_lines: The number of its lines.
        number_of_targets: The number of targets that they are about.
    """
    return number_of_lines > 2 * number_of_targets or len(journal.files(root)) > _MANY_FILES


def compact(root: str) -> int:
    """Replace the journal's files of this user that nobody has written to for an hour by one.

    It keeps the last line of each target and of each flow. Readers at the same time may find a line
    twice, never one less.

    Returns:
        The number of files that were replaced: 0 if there was nothing to gain.
    """
    old = [path for path in journal.files(root) if _is_quiet(path)][:_MOST_FILES]
    with ExitStack() as stack:
        opened: dict[str, BinaryIO] = {}
        for path in old:
            # Another process may be compacting too.
            with suppress(FileNotFoundError):
                opened[path] = stack.enter_context(open(path, "rb"))
        if not opened or (len(opened) == 1 and _COMPACTED in next(iter(opened))):
            return 0
        places = _last_lines(list(opened.values()))
        newest = max(os.fstat(file.fileno()).st_mtime for file in opened.values())
        _write_whole(root, _at(places), newest)
        for path, file in opened.items():
            with suppress(FileNotFoundError):
                os.unlink(path)
            # Lines that were written between the first reading and the removal.
            for line in _whole_lines(file):
                journal.append(root, line.decode(errors="surrogatepass").rstrip("\n"))
    return len(opened)


def _is_quiet(path: str) -> bool:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    # The owner of a file says whose lines they are, and whether they are trusted.
    is_own = os.name != "posix" or found.st_uid == os.geteuid()
    return is_own and not found.st_mode & 0o022 and time.time() - found.st_mtime > _QUIET


def _last_lines(opened: list[BinaryIO]) -> list[tuple[BinaryIO, int]]:
    """Return the place of each target's last line; leave the files at their ends."""
    last: dict[str, tuple[str, BinaryIO, int]] = {}
    for file in opened:
        position = 0
        for line in _whole_lines(file):
            place, position = position, position + len(line)
            fields = fields_of(line)
            if fields is None or not fields.keys() & {"target", "flow"}:
                # A truncated line that another one was appended to.
                continue
            # A line about a run of a flow has no target.
            target = fields["target"] if "target" in fields else f"\0{fields['flow']}"
            made = fields.get("made", "")
            if target not in last or last[target][0] <= made:
                last[target] = (made, file, place)
    return [(file, place) for _, file, place in last.values()]


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines from a file's position on, without one at the end that is truncated."""
    while (line := file.readline()).endswith(b"\n"):
        yield line
    file.seek(-len(line), os.SEEK_CUR)


def _at(places: list[tuple[BinaryIO, int]]) -> Iterator[bytes]:
    """Yield the lines at these places; leave the files where they were."""
    for file, place in places:
        end = file.tell()
        file.seek(place)
        line = file.readline()
        file.seek(end)
        yield line


def _write_whole(root: str, lines: Iterator[bytes], time_of_last: float) -> None:
    folder = os.path.join(root, journal.FOLDER)
    unfinished = os.path.join(folder, f".{os.urandom(8).hex()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with open(descriptor, "wb") as whole:
            whole.writelines(lines)
            whole.flush()
            # The files that it replaces are removed next.
            os.fsync(descriptor)
        os.utime(unfinished, (time_of_last, time_of_last))
        os.replace(unfinished, os.path.join(folder, f"{_COMPACTED}{os.urandom(4).hex()}.jsonl"))
    except BaseException:
        os.unlink(unfinished)
        raise
