"""`Folder`: stores bytes under names below a root, whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import IO, TYPE_CHECKING, BinaryIO, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

MARK: Final = "user.prefectx.maker"
"""The extended attribute in which a file carries the mark of the task and call that made it.

Some systems read an attribute of more than 128 bytes in several steps, and each hit reads it.
"""

RESERVED: Final = ".prefectx"
"""The prefix of names below a root that are no targets: records and unfinished files."""

NOTE: Final = "user.prefectx.record"
"""The extended attribute in which a file carries its record."""

NO_SUCH_FILE: Final = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""The errors that mean no output: no file, a name below a file, or a folder."""


class Note(NamedTuple):
    """A note to keep with a file.

    Attributes:
        content: The note.
        keep_beside: Keeps it elsewhere, before the file appears: called if it cannot be kept with
            the file.
        short: What is kept with the file instead, where there is little room. It says only that
            without the note beside it the file is nobody's.
    """

    content: bytes
    keep_beside: Callable[[], object]
    short: bytes = b""


class Folder(ABC):
    """Stores bytes under names below a root; knows nothing of values, formats and tasks."""

    #: Whether each question goes over a network.
    is_remote = False

    @property
    @abstractmethod
    def prefix(self) -> str:
        """The text before a name, with the root as the user wrote it; "" for the current folder."""

    @abstractmethod
    def location(self, name: str) -> str:
        """Return the path of `name` as seen from here."""

    @abstractmethod
    def path(self, name: str) -> str:
        """Return the same in full, true in any process."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Tell whether a file of this name exists."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Open a file for reading, seekable; raise one of `NO_SUCH_FILE` if it is not there."""

    def open_marked(self, name: str) -> tuple[BinaryIO, str | None] | None:  # noqa: ARG002
        """Open a file for reading, together with the mark that it carries, None if it has none.

        None if files carry no marks here.
        """
        return None

    def check_owned(self, file: BinaryIO) -> None:  # noqa: B027 - only a file system knows owners
        """Raise `UntrustedTarget` for an open file that somebody else may have written."""

    def local_path(self, name: str) -> str | None:  # noqa: ARG002
        """Return the path by which the operating system can map the file, if it can."""
        return None

    @abstractmethod
    def write(
        self, name: str, dump: Callable[[IO[bytes]], object], note: Note | None = None
    ) -> None:
        """Let `dump` write a file, whole or not at all, with its note if there is one."""

    def note(self, name: str) -> bytes | None:  # noqa: ARG002 - most folders have no notes
        """Return the note that is stored with a file, if one is."""
        return None

    def mark(self, name: str) -> str | None:  # noqa: ARG002
        """Return the mark that is stored with a file that has a note, if one is."""
        return None

    def mark_in(self, name: str, mark_of: Callable[[bytes], str]) -> str | None:
        """Return the mark that `mark_of` finds in a file; "" if the file is not there.

        None if it was there when the run listed its folder, and is not any more.
        """
        try:
            with self.open(name) as file:
                return mark_of(file.read())
        except NO_SUCH_FILE:
            return ""

    def mark_in_note(self, name: str, mark_of: Callable[[bytes], str]) -> str | None:  # noqa: ARG002
        """Return the mark that `mark_of` finds in the note stored with a file; "" if there is none.

        None if the file was there when the run listed its folder, and is not any more.
        """
        return ""

    def forget(self, name: str) -> None:  # noqa: B027 - most folders remember nothing
        """Look again where a file is asked for, whatever the run knows of its folder."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove a file; do nothing if it is not there."""

    @abstractmethod
    def list(self, prefix: str) -> Iterator[str]:
        """Give the names below the root that start with `prefix` and are not reserved."""

    @abstractmethod
    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold `name` alone, among all processes that share the folder; wait for who holds it."""

    @abstractmethod
    def removal(self, name: str) -> str:
        """Return the command that removes a file, for messages."""
