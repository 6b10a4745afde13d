"""`LocalFolder`: files below a folder of this machine, or one that it has mounted."""

from __future__ import annotations

import os
import shlex
import stat
from contextlib import suppress
from typing import IO, TYPE_CHECKING, BinaryIO, Final

from prefectx.stores.places.base import NO_SUCH_FILE, RESERVED, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


class LocalFolder(Place):
    """Keeps each file below a folder: written under another name beside it, then renamed.

    Args:
        root: The folder, relative to the current one or absolute.
        durable: Whether a file that was written outlasts a power cut.
    """

    def __init__(self, root: str, *, durable: bool = False) -> None:
        self.durable: Final = durable
        # The current folder may change before a file is asked for, so "." is not resolved here.
        self._prefix: Final = "" if root == "." else os.path.join(root, "")

    @property
    def prefix(self) -> str:
        """The root with a slash, as it was given; "" for the current folder."""
        return self._prefix

    def location(self, name: str) -> str:
        """Return the file's path as seen from the current folder."""
        return name if name.startswith("/") else self._prefix + name

    def path(self, name: str) -> str:
        """Return the file's absolute path."""
        return os.path.abspath(self.location(name))

    def exists(self, name: str) -> bool:
        """Tell whether the file is there, with one system call."""
        try:
            return stat.S_ISREG(os.stat(self.location(name)).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def open(self, name: str) -> BinaryIO:
        """Open the file."""
        return open(self.location(name), "rb")

    def write(self, name: str, dump: Callable[[IO[bytes]], object]) -> None:
        """Write the file under another name in the same folder, then rename it."""
        path = self.location(name)
        folder = os.path.dirname(path) or "."
        unfinished = f"{folder}/{RESERVED}-{os.getpid()}-{os.urandom(6).hex()}.tmp"
        file = _created(unfinished)
        try:
            with file:
                dump(file)
            os.replace(unfinished, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(unfinished)
            raise

    def delete(self, name: str) -> None:
        """Remove the file."""
        with suppress(*NO_SUCH_FILE):
            os.unlink(self.location(name))

    def list(self, prefix: str) -> Iterator[str]:
        """Give the files below the root, folder by folder."""
        root = self._prefix or "./"
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if name != RESERVED)
            inside = os.path.relpath(folder, root)
            for name in sorted(files):
                target = name if inside == "." else f"{inside}/{name}"
                if not name.startswith(RESERVED) and target.startswith(prefix):
                    yield target

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock of the kernel's."""
        raise NotImplementedError(name)

    def removal(self, name: str) -> str:
        """Return the shell's command."""
        return f"rm {shlex.quote(self.path(name))}"


def _created(path: str) -> IO[bytes]:
    try:
        return open(path, "xb")
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, "xb")
