"""`Filestore`: outputs as files below a folder."""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final, Self

from prefectx.errors import CorruptTarget, TargetMissing, UnsupportedValue
from prefectx.stores.base import Store
from prefectx.stores.formats import format_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESERVED: Final = ".prefectx"
"""How the names start of what lies below a root and is no target: records, unfinished files."""

# Nothing, a name below a file, a folder: in none of them is there an output.
_NO_SUCH_FILE: Final = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class Filestore(Store):
    """Keeps each output in a file of its own, whose suffix picks the format.

    No suffix or `.pkl`: pickle; `.json`; `.txt`; `.bytes`; more with `register_format`. A file
    appears whole or not at all: it is written under another name in the same folder, then renamed.

    Args:
        root: The folder that targets are relative to; by default the current folder.

    Example:
        >>> store = Filestore()
        >>> store.save("working/sizes/a.json", [1, 2])
        >>> store.exists("working/sizes/a.json"), store.load("working/sizes/a.json")
        (True, [1, 2])
    """

    def __init__(self, root: str | os.PathLike[str] = ".") -> None:
        self.root: Final = os.fspath(root)
        # The current folder may change before a target is asked, so "." is not resolved here.
        self._prefix: Final = "" if self.root == "." else os.path.join(self.root, "")
        self._label = self._prefix

    def label(self) -> str:
        """Return the root as it was given, also in a process that knows it by its full path."""
        return self._label

    def location(self, target: str) -> str:
        """Return the file's path as seen from the current folder."""
        return target if target.startswith("/") else self._prefix + target

    def path(self, target: str) -> str:
        """Return the file's absolute path."""
        return os.path.abspath(self.location(target))

    def exists(self, target: str) -> bool:
        """Tell whether the file is there, with one system call."""
        try:
            return stat.S_ISREG(os.stat(self.location(target)).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def load(self, target: str) -> Any:
        """Return the value in the file.

        Raises:
            TargetMissing: There is no such file.
            CorruptTarget: The file cannot be read in its format.
        """
        try:
            with open(self.location(target), "rb") as file:
                return format_of(target).load(file)
        except _NO_SUCH_FILE as error:
            if error.filename != self.location(target):
                raise
            raise TargetMissing(self._missing(target)) from None
        except (MemoryError, OSError):
            raise
        except Exception as error:
            # Unpickling runs arbitrary code, so it may raise anything.
            raise CorruptTarget(self._corrupt(target, error)) from error

    def save(self, target: str, value: Any) -> None:
        """Write the value to its file, whole or not at all.

        Raises:
            UnsupportedValue: The format would not give the value back unchanged.
        """
        dump = format_of(target).dump
        try:
            self._write(self.location(target), lambda file: dump(value, file))
        except UnsupportedValue as error:
            error.add_note(f"Target {target!r} was not written.")
            raise

    def delete(self, target: str) -> None:
        """Remove the file and its record."""
        for path in (self.location(target), self._record(target)):
            with suppress(*_NO_SUCH_FILE):
                os.unlink(path)

    def list(self, prefix: str = "") -> Iterator[str]:
        """Give the targets below the root that start with `prefix`."""
        root = self._prefix or "./"
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if name != RESERVED)
            inside = os.path.relpath(folder, root)
            for name in sorted(files):
                target = name if inside == "." else f"{inside}/{name}"
                if not name.startswith(RESERVED) and target.startswith(prefix):
                    yield target

    def digest(self, target: str) -> bytes:
        """Return a hash of the file's bytes.

        Raises:
            TargetMissing: There is no such file.
        """
        try:
            with open(self.location(target), "rb") as file:
                return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
        except _NO_SUCH_FILE:
            raise TargetMissing(self._missing(target)) from None

    def load_record(self, target: str) -> str | None:
        """Return the record beside the target, or None: a target counts without one too."""
        try:
            with open(self._record(target), encoding="utf-8", errors="replace") as file:
                return file.read()
        except _NO_SUCH_FILE:
            return None

    def save_record(self, target: str, record: str) -> None:
        """Write the record to its file below `.prefectx/records`."""
        self._write(self._record(target), lambda file: file.write(record.encode()))

    def _record(self, target: str) -> str:
        if target.startswith("/"):
            folder, _, name = target.rpartition("/")
            return f"{folder}/{RESERVED}/records/{name}.json"
        return f"{self._prefix}{RESERVED}/records/{target}.json"

    def _write(self, path: str, dump: Callable[[IO[bytes]], object]) -> None:
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

    def _missing(self, target: str) -> str:
        return (
            f"target {target!r} is not there ({self.path(target)!r}): call its task again to"
            " make it anew."
        )

    def _corrupt(self, target: str, error: Exception) -> str:
        from prefectx.records import maker_of

        return (
            f"target {target!r}{maker_of(self, target)} cannot be read"
            f" ({type(error).__name__}: {error}). Remove it, then call the task again:"
            f" rm {shlex.quote(self.path(target))}"
        )

    def __repr__(self) -> str:
        return f"Filestore({self.root!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filestore) and self.path("") == other.path("")

    def __hash__(self) -> int:
        return hash(self.path(""))

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process may have another current folder.
        return (self._moved, (os.path.abspath(self.root), self._label))

    @classmethod
    def _moved(cls, root: str, label: str) -> Self:
        store = cls(root)
        store._label = label
        return store


def _created(path: str) -> IO[bytes]:
    try:
        return open(path, "xb")
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, "xb")
