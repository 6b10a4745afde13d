"""Folders that are reached part by part, so that nobody can put a link in the way meanwhile.

A path that was checked may lead elsewhere by the time that it is used. Here each part is opened
within the folder before it, without following a link, and files are written and removed by way
of the folder that is open, wherever its name leads by then. Linux has what it takes.
"""

from __future__ import annotations

import errno
import os
import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prefectx.errors import FileInTheWay, UnsafeTarget
from prefectx.stores.folders.anonymous import opened_path
from prefectx.stores.folders.opened import Descriptors

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

# A process may pass through a folder that it may not list.
_PASSING: Final = getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0) | os.O_CLOEXEC
_MOST_LINKS: Final = 40


def can_open_folders() -> bool:
    """Tell whether this system can reach files by way of a folder that is open."""
    return hasattr(os, "O_PATH") and os.path.isdir("/proc/self/fd")


@contextmanager
def folder_below(
    root: str, parts: Sequence[str], made: Callable[[int], None] | None = None
) -> Generator[str]:
    """Open a folder below a root; give a path that leads to it for as long as it is open.

    Links are followed as long as they lead to what is below the root.

    Args:
        root: A folder; what it is a link to is the user's choice.
        parts: The names of the folders below it.
        made: Makes folders that are not there, and is called with the one that each lies in.

    Raises:
        FileNotFoundError: It is not there, and `made` was not given.
        FileInTheWay: A file lies in the way.
        UnsafeTarget: A link leads out of the root.
    """
    opened = Descriptors()
    try:
        yield opened_path(_open(opened, root, _inside(root, parts), made))
    finally:
        opened.close()


def _inside(root: str, parts: Sequence[str]) -> list[str]:
    """Return the names from the root on, without those that lead back."""
    inside = posixpath.normpath("/".join(parts)) if parts else "."
    if inside == ".." or inside.startswith(("../", "/")):
        msg = f"{'/'.join(parts)!r} leads out of {root!r}"
        raise UnsafeTarget(msg)
    return [] if inside == "." else inside.split("/")


def _open(
    opened: Descriptors, root: str, parts: list[str], made: Callable[[int], None] | None
) -> int:
    for _ in range(_MOST_LINKS):
        descriptor = opened.open(root, _PASSING)
        reached = 0
        for part in parts:
            reached += 1
            try:
                deeper = _entered(opened, part, descriptor, made)
            except NotADirectoryError:
                where = os.path.normpath(os.path.join(root, *parts[:reached]))
                msg = f"{where!r} is no folder, so nothing can be stored below it"
                raise FileInTheWay(errno.ENOTDIR, msg) from None
            if deeper is None:
                break
            descriptor = deeper
        else:
            return descriptor
        # Start again, with the path that the link leads to.
        real = os.path.realpath(os.path.join(root, *parts[:reached]))
        parts = _inside(root, [os.path.relpath(real, os.path.realpath(root)), *parts[reached:]])
    msg = f"{'/'.join(parts)!r} below {root!r} leads through links that change or never end"
    raise UnsafeTarget(msg)


def _entered(
    opened: Descriptors, part: str, within: int, made: Callable[[int], None] | None
) -> int | None:
    """Return the descriptor of a folder, or None if a link is there."""
    if made is not None:
        try:
            os.mkdir(part, dir_fd=within)
            made(within)
        except FileExistsError:
            pass
    try:
        return opened.open(part, _PASSING | os.O_NOFOLLOW, dir_fd=within)
    except NotADirectoryError:
        if os.path.islink(f"{opened_path(within)}/{part}"):
            return None
        raise
