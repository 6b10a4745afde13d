"""Nameless files: written where nobody sees them, and given their name when they are whole.

Linux has them on most of its file systems. If their writer is killed, nothing of them is left.
"""

from __future__ import annotations

import errno
import os
from functools import cache
from typing import TYPE_CHECKING, Final

from prefectx.stores.folders.temporary import hold, unfinished_name

if TYPE_CHECKING:
    from prefectx.stores.folders.opened import Descriptors

_FLAG: Final = getattr(os, "O_TMPFILE", None)
_DESCRIPTORS: Final = "/proc/self/fd"
# EISDIR is what kernels say that do not know the flag.
_UNKNOWN: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL})


def nameless(opened: Descriptors, folder: str) -> int | None:
    """Return the descriptor of a new file without a name, or None where there are none.

    Args:
        opened: What it is closed with.
        folder: A path that leads to its folder.

    Raises:
        OSError: It cannot be written for any other reason.
    """
    if _FLAG is None or not _can_name():
        return None
    try:
        # Written by its owner alone: a file that others may write is not trusted afterwards.
        return opened.open(folder, os.O_RDWR | _FLAG, 0o644)
    except OSError as error:
        if error.errno in _UNKNOWN:
            return None
        raise


def opened_path(descriptor: int) -> str:
    """Return a path that leads to an open file, for as long as it is open."""
    return f"{_DESCRIPTORS}/{descriptor}"


def named(descriptor: int, folder: str, path: str) -> str | None:
    """Give a nameless file its name; return the name that it has, or None where it can have none.

    That is another one in the same folder if `path` is taken: the caller renames the file then.
    """
    try:
        _link(descriptor, path)
    except FileExistsError:
        # Nobody is to take it for one that a killed writer has left.
        hold(descriptor)
        held = unfinished_name(folder)
        _link(descriptor, held)
        return held
    except FileNotFoundError:
        # The folder was removed meanwhile.
        raise
    except OSError:
        # Some systems forbid links.
        return None
    return path


@cache
def _can_name() -> bool:
    return os.path.isdir(_DESCRIPTORS)


def _link(descriptor: int, path: str) -> None:
    # Only with a folder named does Python follow the link that stands for the descriptor.
    os.link(opened_path(descriptor), path, src_dir_fd=descriptor)
