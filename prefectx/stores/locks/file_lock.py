"""Locks between processes: the kernel's where the file system has them, else with a heartbeat."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import platform
import re
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from prefectx.stores.folders.base import RESERVED
from prefectx.stores.folders.opened import Descriptors
from prefectx.stores.locks.heartbeat import FileNotes, HeartbeatLock
from prefectx.stores.locks.waiting import Pauses

if TYPE_CHECKING:
    from collections.abc import Generator

_NO_LOCKS: Final = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
_READABLE: Final = 60

_held: Final[set[Descriptors]] = set()


def lock_of(name: str) -> tuple[str, str]:
    """Return the folder and the file name, relative to the root, of the lock of `name`."""
    outside = os.path.dirname(name) if name.startswith("/") else ""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[-_READABLE:].lstrip("-")
    key = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return os.path.join(outside, RESERVED, "locks"), f"{readable}~{key}"


@contextmanager
def locked_file(folder: str, name: str, what: str) -> Generator[None]:
    """Hold a lock in `folder` alone, among all processes that see the folder; wait for it.

    Args:
        folder: The absolute path of the locks' folder, which is made if it is not there.
        name: The lock's name.
        what: What it is called in the log.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(flocked(os.path.join(folder, f"{name}.lock"), what))
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            stack.enter_context(HeartbeatLock(FileNotes(folder), f"{name}.beat", what))
        yield


@contextmanager
def flocked(path: str, what: str = "") -> Generator[None]:
    """Hold a lock of the kernel's on a file of its own, which is there only while it is held.

    It ends with its process, however that ends. Threads of one process exclude each other too.

    Args:
        path: The absolute path of the lock file, whose folder is made if it is not there.
        what: What the log calls it, by default the path.

    Raises:
        OSError: With ENOLCK, ENOSYS or EOPNOTSUPP: there are no such locks here.
    """
    _close_in_children()
    opened = Descriptors()
    _held.add(opened)
    try:
        descriptor = _lock(opened, path, Pauses(what or path))
        # Waiting processes show who holds the lock. On a full disk they cannot.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{platform.node()} pid {os.getpid()}".encode(), 0)
        yield
    finally:
        try:
            _let_go(path, opened)
        except KeyboardInterrupt:
            _let_go(path, opened)
            raise
        finally:
            opened.close()
            _held.discard(opened)


def _lock(opened: Descriptors, path: str, pauses: Pauses) -> int:
    while True:
        descriptor = _open(opened, path)
        while not _try(path, descriptor):
            pauses.pause(lambda: _holder(path))
        # Who held it before has removed its file: another may already hold the next. Those that
        # were removed are closed with the last.
        if _is_at(path, descriptor):
            return descriptor


def _open(opened: Descriptors, path: str) -> int:
    while True:
        try:
            return opened.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)


def _try(path: str, descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:
        os.unlink(path)
        raise OSError(errno.ENOSYS, "this system has no flock", path) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            with suppress(FileNotFoundError):
                os.unlink(path)
        raise
    return True


def _is_at(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(path: str) -> str:
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read() or "somebody"
    return "somebody"


def _let_go(path: str, opened: Descriptors) -> None:
    # In a fork of the holder, nothing is open. Removed while it is held: then it may be another's.
    if opened and _is_at(path, opened.last):
        os.unlink(path)


@functools.cache
def _close_in_children() -> None:
    # A fork shares the lock, and would keep it after the death of the process that holds it.
    os.register_at_fork(after_in_child=_close_all)


def _close_all() -> None:
    while _held:
        _held.pop().close()
