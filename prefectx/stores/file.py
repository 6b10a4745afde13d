"""`Filestore`: outputs as files below a folder or a URL."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, Self

from xxhash import xxh3_128

from prefectx.errors import StoreUnreachable, UnsupportedValue
from prefectx.stores.base import Store
from prefectx.stores.folders import folder_of
from prefectx.stores.folders.base import NO_SUCH_FILE, RESERVED, Note
from prefectx.stores.formats import format_of
from prefectx.stores.messages import (
    Explained,
    dump_for,
    load_for,
    missing,
    note_unremoved,
    note_unwritten,
    note_unwritten_value,
)
from prefectx.stores.mixins import RelativeRoot
from prefectx.stores.record import (
    LONGEST,
    UNFINISHED,
    collision_while_saving,
    mark_of,
    read,
    shortened,
    unfinished,
)
from prefectx.stores.versions import load_version, replaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

_CHUNK: Final = 1 << 20
# If this process lacks descriptors or memory, a record may exist: it may say that its output is
# unfinished.
_OUT_OF_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class Filestore(RelativeRoot, Store):
    """Stores each output in a file of its own, whose suffix picks the format.

    No suffix or `.pkl`: pickle; `.json`; `.txt`; `.bytes`; more with `register_format`. A file
    appears whole or not at all: it is written without a name, or under another name, then named.

    Args:
        root: The folder that targets are relative to, by default the current one; or any URL
            that fsspec knows, as in `"s3://bucket/folder"`.
        durable: Whether a saved output must also outlast a power cut, which costs an fsync of
            the file and of its folder.
        trust: `"own"`: files that another user owns, or that others may write, are not unpickled.
            `"any"`: they are, as in a folder shared with people who are trusted.
        storage_options: For a URL, what fsspec's file system takes: credentials, for instance.
            They travel with the store to other processes, and are shown nowhere.

    Example:
        >>> store = Filestore()
        >>> store.save("working/sizes/a.json", [1, 2])
        >>> store.exists("working/sizes/a.json"), store.load("working/sizes/a.json")
        (True, [1, 2])
    """

    __module__ = "prefectx.stores"

    def __init__(
        self,
        root: str | os.PathLike[str] = ".",
        *,
        durable: bool = False,
        trust: Literal["own", "any"] = "own",
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        if trust not in {"own", "any"}:
            msg = f"Filestore: trust is 'own' or 'any', not {trust!r}"
            raise ValueError(msg)
        self.root: Final = os.fspath(root)
        self.durable: Final = durable
        self.trust: Final[Literal["own", "any"]] = trust
        self._options: Final = dict(storage_options or {})
        self._folder = folder_of(self.root, durable=durable, options=self._options)
        self._label = self._folder.prefix
        self._anchor = "" if os.path.isabs(self._label) or "://" in self._label else "."

    def anchor(self) -> str:
        """Return the folder that the label is relative to; "" if the root was given in full."""
        return self._anchor

    def _can_move_below(self, folder: str) -> bool:
        prefix = self._folder.prefix
        # A process may stand in a folder that it cannot reach from the root of all.
        return not (os.path.isabs(prefix) or "://" in prefix) and os.path.isdir(folder)

    def _move_below(self, folder: str) -> None:
        root = os.path.normpath(os.path.join(folder, self._folder.prefix))
        self._folder = folder_of(root, durable=self.durable, options=self._options)
        self._anchor = os.path.normpath(os.path.join(folder, self._anchor))

    def label(self) -> str:
        """Return the root as it was given, also in a process that knows it by its full path."""
        return self._label

    def location(self, target: str) -> str:
        """Return the file's path as seen from the current folder."""
        return self._folder.location(target)

    def path(self, target: str) -> str:
        """Return the file's absolute path or URL."""
        return self._folder.path(target)

    def journal_root(self) -> str | None:
        """Return the root, if it is a local folder."""
        root = self.path("")
        return None if "://" in root else root

    def exists(self, target: str) -> bool:
        """Tell whether the file exists: below a folder, with one system call."""
        return self._folder.exists(target)

    def look(self, target: str) -> str | None:
        """Return the mark of the call that made a file, usually with one system call."""
        mark = self._folder.mark(target)
        if mark is not None:
            return mark
        if not self.exists(target):
            return None
        if not self._folder.is_remote:
            return mark_of(self.load_record(target) or "")
        # A file's own note is of the call that wrote it. A record beside it may be of a later call,
        # so it counts only if the file has no note.
        mark = self._folder.mark_in_note(target, _mark_in)
        if mark in {"", UNFINISHED}:
            beside = self._folder.mark_in(_record_path(target), _mark_in)
            mark = None if beside is None else beside or mark
        if mark is None:
            # It was deleted, and perhaps made anew, since the run has listed its folder.
            self._folder.forget(target)
            return super().look(target)
        return mark

    def load(self, target: str) -> Any:
        """Return the value in the file.

        Raises:
            TargetMissing: There is no such file.
            CorruptTarget: The file cannot be read in its format.
            UntrustedTarget: Reading it would run code, and somebody else may have written it.
        """
        try:
            file = self._folder.open(target)
        except NO_SUCH_FILE:
            raise missing(self, target) from None
        return self._decoded(target, file)

    def load_version(self, target: str, version: str) -> Any:
        """Return the value in the file if the call that made it has this version.

        A file that carries the mark of who made it is read together with the mark, in one step.

        Raises:
            TargetMissing: There is no such file.
            CorruptTarget: The file cannot be read in its format.
            UntrustedTarget: Reading it would run code, and somebody else may have written it.
            TargetReplaced: Another call, or other code, has made the target.
        """
        opened = self._open_marked(target)
        if opened is None:
            return super().load_version(target, version)
        file, mark = opened
        if mark == version:
            return self._decoded(target, file)
        file.close()
        if mark and self._read_record(target) is None:
            raise replaced(target, version, read(self, target))

        def load_again(name: str) -> Any:
            if (again := self._open_marked(name)) is None:
                return self.load(name)
            file, now = again
            if now in {mark, version}:
                return self._decoded(name, file)
            file.close()
            raise replaced(name, version, None)

        # The record lies beside the file: it was accepted, say, or there is room nowhere else.
        return load_version(self, target, version, load_again)

    def _open_marked(self, target: str) -> tuple[BinaryIO, str | None] | None:
        try:
            return self._folder.open_marked(target)
        except NO_SUCH_FILE:
            raise missing(self, target) from None

    def _decoded(self, target: str, file: BinaryIO) -> Any:
        form = format_of(target)
        with file, Explained(self, target, self._folder.removal):
            if form.runs_code and self.trust == "own":
                self._folder.check_owned(file)
            return load_for(target, file)

    def load_mapped(self, target: str) -> Any:
        """Return the value with its file mapped into memory: a `.npy` file below a folder.

        Raises:
            TargetMissing: There is no such file.
            CorruptTarget: The file cannot be read in its format.
            UnsupportedValue: The file is not local, or its format cannot be mapped.
        """
        path = self._folder.local_path(target)
        if path is None:
            return super().load_mapped(target)
        opened = format_of(target).map
        if opened is None:
            msg = f"{target!r} cannot be loaded with mmap=True; a target that ends in .npy can"
            raise UnsupportedValue(msg)
        if not self.exists(target):
            raise missing(self, target)
        with Explained(self, target, self._folder.removal):
            return opened(path)

    def save(self, target: str, value: Any) -> None:
        """Write the value to its file, whole or not at all.

        Raises:
            UnsupportedValue: The format would not give the value back unchanged.
        """
        self._save(target, value, None)

    def save_recorded(self, target: str, value: Any, record: str) -> None:
        """Write the value and its record, in one file where the file system lets it.

        Raises:
            UnsupportedValue: The format would not give the value back unchanged.
        """
        beside: list[str] = []

        def keep_beside() -> None:
            # If the process is killed in between, the old file must not have the new record, nor
            # the new file none.
            beside.append(unfinished(record) if self.exists(target) else record)
            self.save_record(target, beside[-1])

        note = Note(record.encode(), keep_beside, shortened(record).encode())
        self._save(target, value, note)
        if not beside:
            if self._folder.exists(_record_path(target)):
                self._folder.delete(_record_path(target))
            return
        if (error := collision_while_saving(self, target, record)) is not None:
            self._folder.delete(target)
            raise error
        if beside[-1] != record:
            self.save_record(target, record)

    def _save(self, target: str, value: Any, note: Note | None) -> None:
        try:
            self._folder.write(target, lambda file: dump_for(target, value, file), note)
        except UnsupportedValue as error:
            note_unwritten_value(error, target)
            raise
        except OSError as error:
            note_unwritten(error, f"Target {target!r}", self.path(target))
            raise

    def content(self, target: str) -> bytes:
        """Return the file's bytes; raise `TargetMissing`."""
        try:
            with self._folder.open(target) as file:
                return file.read()
        except NO_SUCH_FILE:
            raise missing(self, target) from None

    def replace_content(self, target: str, content: bytes) -> None:
        """Save these bytes for a target, as they are."""
        self._folder.write(target, lambda file: file.write(content))

    def delete(self, target: str) -> None:
        """Remove the file and its record."""
        try:
            self._folder.delete(target)
            self._folder.delete(_record_path(target))
        except OSError as error:
            note_unremoved(error, target, self.path(target))
            raise

    def list(self, prefix: str = "") -> Iterator[str]:
        """Give the targets below the root that start with `prefix`."""
        return self._folder.list(prefix)

    def digest(self, target: str) -> bytes:
        """Return a hash of the file's bytes.

        Raises:
            TargetMissing: There is no such file.
        """
        whole = xxh3_128()
        try:
            with self._folder.open(target) as file:
                while part := file.read(_CHUNK):
                    whole.update(part)
        except NO_SUCH_FILE:
            raise missing(self, target) from None
        return whole.digest()

    def lock(self, target: str) -> AbstractContextManager[None]:
        """Hold the target alone, among all processes that share the root."""
        return self._folder.lock(target)

    def load_record(self, target: str) -> str | None:
        """Return the record of the target, or None: a target counts without one too.

        One that lies beside it is newer than one in the file itself.
        """
        record = self._read_record(target)
        if record is None:
            record = self._folder.note(target)
        return None if record is None else record.decode(errors="replace")

    def _read_record(self, target: str) -> bytes | None:
        try:
            with self._folder.open(_record_path(target)) as file:
                return file.read(LONGEST)
        except StoreUnreachable:
            raise
        except OSError as error:
            if error.errno in _OUT_OF_RESOURCES:
                raise
            # A record that cannot be read counts as none.
            return None

    def save_record(self, target: str, record: str) -> None:
        """Write the record to its file below `.prefectx/records`."""
        try:
            self._folder.write(_record_path(target), lambda file: file.write(record.encode()))
        except OSError as error:
            note_unwritten(
                error, f"The record of target {target!r}", self.path(_record_path(target))
            )
            raise

    def __repr__(self) -> str:
        return f"Filestore({self.root!r})"

    # Two stores at one place have the same outputs, however they write them.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filestore) and self.path("") == other.path("")

    def __hash__(self) -> int:
        return hash(self.path(""))

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process may have another current folder.
        options = {
            "durable": self.durable,
            "trust": self.trust,
            "storage_options": self._options,
        }
        return (self._moved, (self.path(""), self._label, options))

    @classmethod
    def with_label(cls, root: str, label: str) -> Self:
        """Return a store that tells itself apart from others by `label` instead of by its root."""
        return cls._moved(root, label, {})

    @classmethod
    def _moved(cls, root: str, label: str, options: Mapping[str, Any]) -> Self:
        store = cls(root, **options)
        store._label = label
        if not (os.path.isabs(label) or "://" in label):
            inside = os.path.normpath(label) if label else ""
            is_below = root.endswith(f"/{inside}")
            store._anchor = root[: -len(inside) - 1] if inside and is_below else root
        return store


def _mark_in(record: bytes) -> str:
    return mark_of(record.decode(errors="replace"))


def _record_path(target: str) -> str:
    folder, slash, name = target.rpartition("/")
    if target.startswith("/"):
        return f"{folder}{slash}{RESERVED}/records/{name}.json"
    return f"{RESERVED}/records/{target}.json"
