"""Unfinished files: what is written under another name until it is whole.

Whoever writes one holds a lock of the kernel's on it for as long as the process lives. One that
nobody holds is stale: its writer was killed, and it is removed by a later run.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from prefectx.stores.folders.base import RESERVED

if TYPE_CHECKING:
    from collections.abc import Generator

_NO_LOCKS: Final = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_DAY: Final = 24 * 60 * 60


@contextmanager
def unfinished(folder: str) -> Generator[tuple[str, int]]:
    """Give the path and the descriptor of a new file in `folder`, held until the block ends.

    The block renames the file, which must happen while it is held. If it fails, it is removed.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    path, descriptor = _created(folder)
    try:
        yield path, descriptor
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def sweep(folder: str) -> None:
    """Remove the stale unfinished files of a folder, if there is such a folder."""
    # Tidying up must not keep from writing: another user's file, say, may not be opened.
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _is_unfinished(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    _remove_if_stale(entry.path)


def _is_unfinished(name: str) -> bool:
    return name.startswith(f"{RESERVED}-") and name.endswith(".tmp")


def unfinished_name(folder: str) -> str:
    """Return a name in `folder` that no other file has had."""
    return f"{folder}/{RESERVED}-{os.getpid()}-{os.urandom(6).hex()}{_end_here()}"


def _created(folder: str) -> tuple[str, int]:
    while True:
        path = unfinished_name(folder)
        # Written by its owner alone: a file that others may write is not trusted afterwards.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            # Before it was locked, another process may have found it stale.
            if hold(descriptor) is not False and os.fstat(descriptor).st_nlink:
                return path, descriptor
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                os.unlink(path)
            raise
        os.close(descriptor)
        with suppress(FileNotFoundError):
            os.unlink(path)


def _remove_if_stale(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        locked = hold(descriptor)
        # Some network file systems have no locks, or none that other machines see. What a lock
        # says is thus believed of this machine's files alone; those of others, and those that
        # do not say whose they are, count as stale when nobody has written to them for a day.
        stale = locked is not False and (
            (locked is True and path.endswith(_end_here()))
            or time.time() - os.fstat(descriptor).st_mtime > _DAY
        )
        if stale:
            # If the writer has renamed it meanwhile, the name is gone and never given again.
            os.unlink(path)
    finally:
        os.close(descriptor)


def _end_here() -> str:
    """Return how the names of this machine's unfinished files end."""
    import platform

    return f"@{platform.node()}.tmp"


def hold(descriptor: int) -> bool | None:
    """Tell whether the lock could be taken: False if another has it, None if there are no locks."""
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock
    except ImportError:
        return None
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    return True
