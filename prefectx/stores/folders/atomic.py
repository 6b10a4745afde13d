"""Files that appear whole or not at all: without a name until then, or under another one."""

from __future__ import annotations

import errno
import io
import os
from contextlib import contextmanager, suppress
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Final

from prefectx.errors import FileInTheWay, FolderInTheWay
from prefectx.stores.folders.anonymous import named, nameless, opened_path
from prefectx.stores.folders.base import MARK, NOTE
from prefectx.stores.folders.opened import Descriptors, file_of_copy
from prefectx.stores.folders.temporary import sweep, unfinished
from prefectx.stores.record import mark_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from prefectx.stores.folders.base import Note

_BUFFER: Final = 1 << 15
_WRITING: Final = partial(io.FileIO, mode="wb")
_HAS_NOTES: Final = hasattr(os, "setxattr")


class WholeFiles:
    """Writes files, and tidies up the folders that it writes to.

    Args:
        durable: Whether a file that was written outlasts a power cut.
    """

    def __init__(self, *, durable: bool) -> None:
        self._durable: Final = durable
        self._swept: Final[set[tuple[str, str]]] = set()

    def write(
        self, folder: str, path: str, dump: Callable[[IO[bytes]], object], note: Note | None
    ) -> None:
        """Write a file and its note: with the file if it can be, else beside it, and first.

        Args:
            folder: A path that leads to the file's folder.
            path: The file's path, as it is called.
            dump: Writes its content.
            note: What is kept with it, if anything.

        Raises:
            FileInTheWay: A file lies where one of the folders above would have to be.
            FolderInTheWay: A folder lies where the file would have to be.
        """
        called = os.path.dirname(path) or "."
        self._tidy(called, folder)
        with _errors_name(called, folder):
            self._write(folder, f"{folder}/{os.path.basename(path)}", dump, note)

    def _write(
        self, folder: str, path: str, dump: Callable[[IO[bytes]], object], note: Note | None
    ) -> None:
        if not self._write_nameless(folder, path, dump, note):
            with unfinished(folder) as (held, descriptor):
                self._fill(held, descriptor, dump, note)
                _rename(held, path)
        self._sync(folder)

    def _write_nameless(
        self, folder: str, path: str, dump: Callable[[IO[bytes]], object], note: Note | None
    ) -> bool:
        """Do it with a nameless file; tell whether there is one, and it could be named."""
        opened = Descriptors()
        try:
            descriptor = nameless(opened, folder)
            if descriptor is None:
                return False
            self._fill(opened_path(descriptor), descriptor, dump, note)
            held = named(descriptor, folder, path)
            if held is not None and held != path:
                _rename_or_remove(held, path)
        finally:
            opened.close()
        return held is not None

    def _fill(
        self, path: str, descriptor: int, dump: Callable[[IO[bytes]], object], note: Note | None
    ) -> None:
        # The descriptor outlives the file, because many a dump closes the file that it is given.
        raw: Any = file_of_copy(descriptor, _WRITING)
        raw.name = path
        with io.BufferedWriter(raw, _BUFFER) as file:
            dump(file)
        if note is not None and not _keeps_note(descriptor, note.content):
            note.keep_beside()
        if self._durable:
            os.fsync(descriptor)

    def _tidy(self, name: str, folder: str) -> None:
        """Remove what killed processes have left in a folder."""
        # Once per folder: listing a large one takes longer than writing a small file.
        known = ("" if os.path.isabs(name) else os.getcwd(), name)
        if known not in self._swept:
            self._swept.add(known)
            sweep(folder)

    def make_folder(self, folder: str) -> None:
        """Make a folder and those above it if they are not there."""
        if os.path.isdir(folder):
            return
        parent = os.path.dirname(folder.rstrip("/")) or "."
        self.make_folder(parent)
        try:
            os.mkdir(folder)
        except FileExistsError:
            # Another process may have made it meanwhile.
            if not os.path.isdir(folder):
                msg = f"{folder!r} is no folder, so nothing can be stored below it"
                raise FileInTheWay(errno.ENOTDIR, msg) from None
        self._sync(parent)

    def sync_folder_of(self, descriptor: int) -> None:
        """Let what was made in an open folder outlast a power cut, if that is wanted."""
        self._sync(opened_path(descriptor))

    def _sync(self, folder: str) -> None:
        if self._durable:
            _sync_folder(folder)


@contextmanager
def _errors_name(called: str, opened: str) -> Generator[None]:
    """Let errors name the folder as people call it, not by the descriptor that it was opened as."""
    try:
        yield
    except OSError as error:
        if isinstance(error.filename, str) and error.filename.startswith(opened):
            error.filename = called + error.filename[len(opened) :]
        raise


def _keeps_note(descriptor: int, note: bytes) -> bool:
    if not _HAS_NOTES:
        return False
    try:
        os.setxattr(descriptor, NOTE, note)
        os.setxattr(descriptor, MARK, mark_of(note.decode(errors="replace")).encode())
    except OSError:
        # Not all file systems have notes, and none has long ones.
        return False
    return True


def _rename_or_remove(held: str, path: str) -> None:
    try:
        _rename(held, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(held)
        raise


def _rename(held: str, path: str) -> None:
    try:
        os.replace(held, path)
    except IsADirectoryError:
        msg = f"{path!r} is a folder, so no file can be stored there"
        raise FolderInTheWay(errno.EISDIR, msg) from None


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
