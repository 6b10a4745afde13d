"""`Catalogue`: all targets below a folder, with their records from the journal."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager, suppress
from sys import intern
from typing import TYPE_CHECKING, Any, Final

from prefectx.stores import Filestore, journal
from prefectx.stores.compaction import compact, is_large
from prefectx.stores.record import read
from prefectx.stores.record_fields import fields_of, fields_of_each

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

RESERVED: Final = ".prefectx"


class Entry:
    """One target and its latest record.

    Attributes:
        target: Its name below the root.
        exists: Whether the target exists.
        task: The qualified name of the task that made it, or failed to; "" if not known.
        made: The time when it was made, accepted, or failed: ISO 8601, UTC.
        output_made: The time when it was made, whoever has accepted it since.
        seconds: The duration of the call.
        size: The size in bytes.
        code: The fingerprint of the code that made it.
        host: The machine that made it; None if that is not known.
        args_code: The hash of the code in each argument that has any.
        upstream: The targets that it was made from.
        failed: The exception in one line, if the last call failed.
        files: The fingerprints of its input files, by path.
        file: The file of the journal that the record is in; None if it is with the target.
        position: The position of the record in it.
    """

    __slots__ = (
        *("args_code", "code", "exists", "failed", "file", "files", "host", "made", "output_made"),
        *("position", "seconds", "size", "target", "task", "upstream"),
    )

    def __init__(
        self, target: str, fields: dict[str, Any], file: str | None = None, position: int = 0
    ) -> None:
        self.target = target
        self.exists = False
        self.made = ""
        self.take(fields, file, position)

    def take(self, fields: dict[str, Any], file: str | None, position: int) -> None:
        """Update the entry from a line of the journal or a record, unless it is older."""
        get = fields.get
        made: str = get("made", "")
        if made < self.made:
            return
        self.made = made
        self.output_made: str = get("output_made") or made
        self.task = intern(get("task", ""))
        self.seconds: float = get("seconds", 0.0)
        self.code = intern(get("code", ""))
        host = get("host")
        self.host: str | None = host and intern(host)
        # Of a million targets most have none of these.
        code, upstream, files = get("args_code"), get("upstream"), get("files")
        self.args_code: tuple[tuple[str, str], ...] = tuple(code.items()) if code else ()
        self.upstream: tuple[str, ...] = tuple(map(intern, upstream)) if upstream else ()
        self.files: tuple[tuple[str, Any], ...] = tuple(files.items()) if files else ()
        self.failed: str | None = get("failed")
        self.size: int = get("bytes") or 0
        self.file = file
        self.position = position

    @property
    def task_name(self) -> str:
        """The task's name without its module."""
        return self.task.rpartition(".")[2]

    @property
    def base(self) -> str:
        """The last part of the target, without its suffix."""
        name = self.target.rpartition("/")[2]
        return name.partition(".")[0] or name


class Catalogue:
    """All targets below a folder.

    Args:
        root: The folder.
    """

    def __init__(self, root: str) -> None:
        self.root: Final = os.path.abspath(root)
        self._store: Final = Filestore(self.root)
        self.entries: Final[dict[str, Entry]] = {}
        #: The flows that have run, as they are kept in the journal, those that ran last at the end.
        self.runs: Final[dict[str, dict[str, Any]]] = {}
        self._lines = 0
        # What several machines have made, whose clocks need not agree on who was last.
        self._disputed: Final[set[str]] = set()
        with _no_collection():
            self._read_journal()
            self._look()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def details(self, entry: Entry) -> dict[str, Any]:
        """Return the whole record of a target."""
        path = entry.file
        if path is None:
            return self._record_with(entry.target)
        try:
            with open(path, "rb") as file:
                file.seek(entry.position)
                return fields_of(file.readline()) or {}
        except OSError:
            # Another process has compacted the journal.
            self._read_journal()
            return {} if entry.file == path else self.details(entry)

    def is_trusted(self, entry: Entry) -> bool:
        """Tell whether nobody else can have written the record of a target."""
        if entry.file is None or os.name != "posix":
            return True
        found = os.stat(entry.file)
        return found.st_uid == os.geteuid() and not found.st_mode & 0o022

    def _read_journal(self) -> None:
        # The journals of all spellings of the root, with and without symbolic links.
        for path, position, lines in journal.blocks(self.root):
            self._lines += len(lines)
            place = position
            for line, fields in zip(lines, fields_of_each(lines), strict=True):
                # Of another version, or what a truncated line stands before, is no record.
                if fields is not None:
                    self._add_line(fields, path, place)
                place += len(line)

    def _add_line(self, fields: dict[str, Any], path: str, position: int) -> None:
        if "flow" in fields:
            self._add_run(fields)
        elif (target := fields.get("target")) is None:
            return
        elif (entry := self.entries.get(target)) is None:
            self.entries[target] = Entry(target, fields, path, position)
        else:
            if entry.host != fields.get("host", entry.host):
                self._disputed.add(target)
            entry.take(fields, path, position)

    def _add_run(self, fields: dict[str, Any]) -> None:
        flow, made = fields["flow"], fields.get("made", "")
        if made >= self.runs.get(flow, fields).get("made", ""):
            self.runs[flow] = fields

    def compact(self) -> None:
        """Compact the journal if that is worth it; the entries then have no details any more."""
        if is_large(self.root, self._lines, sum(1 for one in self if one.file is not None)):
            # The folder may be read-only.
            with suppress(OSError):
                compact(self.root)

    def _look(self) -> None:
        """Check which targets exist; add those that are not in the journal."""
        waiting = {"working"}
        for target, entry in self.entries.items():
            top, slash, _ = target.partition("/")
            if not slash or top in {"", ".."}:
                entry.exists = os.path.exists(os.path.join(self.root, target))
            else:
                waiting.add(top)
        while waiting:
            # A link may be broken, and a folder closed to this user.
            with suppress(OSError):
                waiting.update(self._look_into(waiting.pop()))
        for target in self._disputed:
            entry = self.entries[target]
            # The record with a file is that of what is there.
            if entry.exists and entry.failed is None and self._record_with(target):
                self._add_existing(target)

    def _look_into(self, folder: str) -> list[str]:
        """Look at what is in one folder; return the folders in it."""
        folders: list[str] = []
        with os.scandir(os.path.join(self.root, folder)) as found:
            for one in found:
                target = f"{folder}/{one.name}"
                entry = self.entries.get(target)
                if entry is not None:
                    entry.exists = True
                if one.is_dir():
                    # A target may be a whole folder.
                    if one.name != RESERVED and not one.is_symlink():
                        folders.append(target)
                elif entry is None and not one.name.startswith(RESERVED):
                    self._add_existing(target)
        return folders

    def _add_existing(self, target: str) -> None:
        """Add a target, from its own record instead of the journal."""
        entry = self.entries[target] = Entry(target, self._record_with(target))
        entry.size = os.stat(os.path.join(self.root, target)).st_size
        entry.exists = True

    def _record_with(self, target: str) -> dict[str, Any]:
        """Return the record that is stored with a file, or beside it; {} if there is none."""
        if (record := read(self._store, target)) is None:
            return {}
        return {name: value for name, value in record._asdict().items() if value is not None}


@contextmanager
def _no_collection() -> Generator[None]:
    """Keep Python from looking for garbage while a million small objects are made."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
