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
from prefectx.stores.record_fields import fields_of

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
        python: The version of Python for which this fingerprint is valid.
        args_code: The hash of the code in each argument that has any.
        upstream: The targets that it was made from.
        failed: The exception in one line, if the last call failed.
        files: The fingerprints of its input files, by path.
        accepted: Whether a person has marked it as current.
        place: The journal's file and the position of the record in it.
    """

    __slots__ = (
        *("accepted", "args_code", "code", "exists", "failed", "files", "made"),
        *("output_made", "place", "python"),
        *("seconds", "size", "target", "task", "upstream"),
    )

    def __init__(self, target: str) -> None:
        self.target = target
        self.exists = False
        self.task = ""
        self.made = ""
        self.output_made = ""
        self.seconds = 0.0
        self.size = 0
        self.code = ""
        self.python = ""
        self.args_code: tuple[tuple[str, str], ...] = ()
        self.upstream: tuple[str, ...] = ()
        self.failed: str | None = None
        self.accepted = False
        self.files: tuple[tuple[str, Any], ...] = ()
        self.place: tuple[str, int] | None = None

    def take(self, fields: dict[str, Any], place: tuple[str, int] | None) -> None:
        """Update the entry from a line of the journal or a record, unless it is older."""
        made: str = fields.get("made", "")
        if made < self.made:
            return
        self.made = made
        self.output_made = fields.get("output_made") or made
        self.task = intern(fields.get("task", ""))
        self.seconds = float(fields.get("seconds") or 0)
        self.code = intern(fields.get("code", ""))
        self.python = intern(fields.get("python", ""))
        code: dict[str, str] = fields.get("args_code") or {}
        self.args_code = tuple(code.items())
        self.upstream = tuple(map(intern, fields.get("upstream") or ()))
        self.failed = fields.get("failed")
        self.accepted = "accepted" in fields
        files: dict[str, Any] = fields.get("files") or {}
        self.files = tuple(files.items())
        self.size = int(fields.get("bytes") or 0)
        self.place = place

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
        with _no_collection():
            self._read_journal()
            self._look()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def details(self, entry: Entry) -> dict[str, Any]:
        """Return the whole record of a target."""
        if entry.place is None:
            return self._record_with(entry.target)
        path, position = entry.place
        try:
            with open(path, "rb") as file:
                file.seek(position)
                return fields_of(file.readline()) or {}
        except OSError:
            # Another process has compacted the journal.
            self._read_journal()
            return {} if entry.place[0] == path else self.details(entry)

    def is_trusted(self, entry: Entry) -> bool:
        """Tell whether nobody else can have written the record of a target."""
        if entry.place is None or os.name != "posix":
            return True
        found = os.stat(entry.place[0])
        return found.st_uid == os.geteuid() and not found.st_mode & 0o022

    def _read_journal(self) -> None:
        # The journals of all spellings of the root, with and without symbolic links.
        for path, position, line in journal.placed_lines(self.root):
            self._lines += 1
            fields = fields_of(line)
            if fields is not None and "flow" in fields:
                self._add_run(fields)
                continue
            if fields is None or "target" not in fields:
                # A line of another version, or one that a truncated line stands before.
                continue
            target: str = fields["target"]
            entry = self.entries.get(target)
            if entry is None:
                entry = self.entries[target] = Entry(target)
            entry.take(fields, (path, position))

    def _add_run(self, fields: dict[str, Any]) -> None:
        flow, made = fields["flow"], fields.get("made", "")
        if made >= self.runs.get(flow, fields).get("made", ""):
            self.runs[flow] = fields

    def compact(self) -> None:
        """Compact the journal if that is worth it; the entries then have no details any more."""
        if is_large(self.root, self._lines, sum(1 for one in self if one.place is not None)):
            # The folder may be read-only.
            with suppress(OSError):
                compact(self.root)

    def _look(self) -> None:
        """Check which targets exist; add those that are not in the journal."""
        tops = {target.partition("/")[0] for target in self.entries if "/" in target}
        tops.add("working")
        for top in sorted(tops):
            for folder, folders, names in os.walk(os.path.join(self.root, top)):
                folders[:] = [name for name in folders if name != RESERVED]
                inside = os.path.relpath(folder, self.root).replace(os.sep, "/")
                for name in names:
                    if not name.startswith(RESERVED):
                        self._add_existing(f"{inside}/{name}")
                for name in folders:
                    # A target may be a whole folder.
                    if (entry := self.entries.get(f"{inside}/{name}")) is not None:
                        entry.exists = True
        for target, entry in self.entries.items():
            if "/" not in target or target.startswith(("/", "..")):
                entry.exists = os.path.exists(os.path.join(self.root, target))

    def _add_existing(self, target: str) -> None:
        entry = self.entries.get(target)
        if entry is None:
            entry = self.entries[target] = Entry(target)
            entry.take(self._record_with(target), None)
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
