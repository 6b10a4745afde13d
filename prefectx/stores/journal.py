"""The journal of a folder of targets: a line for each output made and each call that failed.

Each process appends to a file of its own, so writers never wait for each other, nor do their lines
mix, on any file system. It is no condition for anything: without it, targets count as before.
"""

from __future__ import annotations

import errno
import inspect
import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from prefectx._types import is_dict
from prefectx.stores.folders.opened import Descriptors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FOLDER: Final = ".prefectx/journal"
_SUFFIX: Final = ".jsonl"
_MANY: Final = 32
_BLOCK: Final = 1 << 16
_APPEND: Final = (
    os.O_WRONLY
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)

# The file that this process appends to, by process and folder.
_paths: Final[dict[tuple[int, str], str]] = {}


def stop() -> None:
    """Append nothing more in this process."""
    global _is_stopped  # noqa: PLW0603 - the process is a child that does one thing
    _is_stopped = True


_is_stopped = False


def append(root: str, line: str) -> None:
    """Append a line to the journal below a folder; do nothing where that cannot be.

    Args:
        root: The folder, absolute.
        line: A text without line breaks.
    """
    if _is_stopped:
        return
    key = (os.getpid(), root)
    path = _paths.get(key)
    if path is None:
        if len(_paths) >= _MANY:
            _paths.clear()
        name = f"{os.uname().nodename}-{key[0]}-{os.urandom(4).hex()}{_SUFFIX}"
        path = _paths[key] = os.path.join(root, FOLDER, name)
    with suppress(OSError):
        # Not kept open: a process may use thousands of folders, which others move or unmount.
        while not _is_written(path, f"{line}\n".encode(errors="surrogatepass")):
            pass
        return
    # The disk may be full. What is written behind half a line could not be read.
    _paths.pop(key, None)


def _is_written(path: str, line: bytes) -> bool:
    """Append a line to a file; tell whether the file is still there."""
    opened = Descriptors()
    try:
        descriptor = _open(opened, path)
        # One call: what is killed meanwhile leaves at most one line that cannot be read.
        if os.write(descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        # A process that compacts the journal may have removed the file meanwhile.
        return os.fstat(descriptor).st_nlink > 0
    finally:
        opened.close()


def keep_code(root: str, code: str, function: Any, parts: Mapping[str, str]) -> None:
    """Save the source of a function and the fingerprints of its parts, to show later what changed.

    Each version of a function is saved once.

    Args:
        root: The folder of the journal.
        code: The function's fingerprint.
        function: The function.
        parts: The fingerprints of all code that its output depends on, by name.
    """
    if keep_parts(root, code, parts):
        _write_once(source_path(root, code), lambda: inspect.getsource(function))


def keep_parts(root: str, code: str, parts: Mapping[str, str]) -> bool:
    """Save fingerprints under the hash of all; tell whether this process has not done so before."""
    if _is_stopped or (root, code) in _sources or not code:
        return False
    if len(_sources) >= _MOST_SOURCES:
        _sources.clear()
    _sources.add((root, code))
    _write_once(_parts_path(root, code), lambda: json.dumps(parts))
    return True


def _write_once(path: str, text: Callable[[], str]) -> None:
    if os.path.exists(path):
        return
    with suppress(OSError, TypeError, UnicodeError):
        content = text()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        unfinished = f"{path}.{os.urandom(4).hex()}"
        with open(unfinished, "w", encoding="utf-8") as file:
            file.write(content)
        os.replace(unfinished, path)


def source_path(root: str, code: str) -> str:
    """Return the file with the source of a function that has this fingerprint."""
    return os.path.join(root, ".prefectx/code", f"{code}.py")


def _parts_path(root: str, code: str) -> str:
    return os.path.join(root, ".prefectx/code", f"{code}.json")


def changed_parts(root: str, code: str, parts: Mapping[str, str]) -> list[str]:
    """Return the names of the code that differs from what a function depended on once.

    Args:
        root: The folder of the journal.
        code: The fingerprint that the function had.
        parts: The fingerprints of what it depends on now, by name.

    Returns:
        The names, sorted; an empty list if the old fingerprints are not known.
    """
    path = _parts_path(root, code)
    # A pipe would be waited for.
    if not os.path.isfile(path):
        return []
    try:
        with open(path, encoding="utf-8") as file:
            before: object = json.load(file)
    except (OSError, ValueError, RecursionError):
        return []
    if not is_dict(before):
        return []
    names = {*parts, *map(str, before)}
    return sorted(name for name in names if parts.get(name) != before.get(name))


_sources: Final[set[tuple[str, str]]] = set()
_MOST_SOURCES: Final = 10_000


def _open(opened: Descriptors, path: str) -> int:
    try:
        return opened.open(path, _APPEND, 0o644)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return opened.open(path, _APPEND, 0o644)


def files(root: str) -> list[str]:
    """Return the paths of the files of a journal, those that were written last at the end."""
    found: list[tuple[float, str]] = []
    with suppress(OSError), os.scandir(os.path.join(root, FOLDER)) as entries:
        for entry in entries:
            # It may have been compacted meanwhile. A pipe would be waited for.
            with suppress(OSError):
                if entry.name.endswith(_SUFFIX) and entry.is_file():
                    found.append((entry.stat().st_mtime, entry.path))
    return [path for _, path in sorted(found)]


def lines(root: str) -> Iterator[bytes]:
    """Yield the lines of the journal below a folder, file by file."""
    for _, _, block in blocks(root):
        yield from block


def blocks(root: str) -> Iterator[tuple[str, int, list[bytes]]]:
    """Yield the lines of a journal, many at once, with the file's path and their position in it.

    If the journal is compacted meanwhile, some lines come twice, but none is left out.
    """
    known: set[str] = set()
    waiting = files(root)
    while waiting:
        for path in waiting:
            known.add(path)
            try:
                with open(path, "rb") as file:
                    position = 0
                    while block := file.readlines(_BLOCK):
                        following = file.tell()
                        # The last one of a process that was killed may be truncated.
                        if not block[-1].endswith(b"\n"):
                            block.pop()
                        yield path, position, block
                        position = following
            except FileNotFoundError:
                continue
            except OSError as error:
                sys.stderr.write(f"prefectx: {path} cannot be read: {error}\n")
        waiting = [path for path in files(root) if path not in known]
