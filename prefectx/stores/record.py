"""`Record`: what is known of a target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xxhash import xxh3_64_hexdigest

from prefectx._values.containers import is_list, type_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class Record(NamedTuple):
    """The record that lies beside a target. No record is needed for a target to count.

    Attributes:
        task: The name of the task that made the target.
        call: The call, shortened.
        made: When it was made: ISO 8601, UTC.
        seconds: How long the task's function ran.
        python: The version of Python that ran it.
        code: A hash of the function's byte code, to compare within one version of Python.
        inputs: A hash of all inputs' contents, if the task asks for it with `rerun_on`.
        complete: Whether it describes what is at the target. False while a task that has
            `rerun_on`, or writes its target itself, makes it, and for good if that was
            interrupted: such a target does not count.
        contents: A hash of what lies at the targets of Items, if `rerun_on` asks for `"upstream"`.
        files: The files that the arguments name, by their paths: size, time, hash of the content.
        output: The same of the target, if the task's function wrote it itself.
        by: The user whose process made it.
        host: The machine that made it.
        bytes: How large the output was.
        args: The call's arguments by name: small ones as Python literals, Items by their targets,
            large ones as a short text; None if there were too many of them for a record.
        upstream: The targets of the Items among the arguments.
        file: The script whose task it is, if it is a task of no module.
        shape: Rows, columns and types of a table; shape and type of an array.
    """

    task: str
    call: str
    made: str
    seconds: float
    python: str
    code: str
    inputs: str | None = None
    complete: bool = True
    by: str | None = None
    host: str | None = None
    bytes: int | None = None
    args: dict[str, Any] | None = None
    upstream: list[str] | None = None
    shape: dict[str, Any] | None = None
    file: str | None = None
    contents: str | None = None
    files: Mapping[str, tuple[int, int, str]] | None = None
    output: tuple[int, int, str] | None = None

    @property
    def version(self) -> str:
        """What differs where a target was made by another call or by other code."""
        return f"{self.call} {self.inputs} {self.contents} {self.code} {self.complete}"


# Pickles name it so, and hold when modules move.
Record.__module__ = "prefectx.records"


def maker_mark(task: str, code: str, python: str) -> str:
    """Return a short text that stands for a task as it is now, in every process."""
    return xxh3_64_hexdigest(f"{task}\0{code}\0{python}".encode("utf-8", "surrogatepass"))


def mark_of(text: str) -> str:
    """Return the mark of the task that a record's text names, or "" if it is no record."""
    record = parsed(text)
    return "" if record is None else maker_mark(record.task, record.code, record.python)


def version_of(text: str | None) -> str | None:
    """Return the version that the text of a record says, or None if it is no record."""
    record = None if text is None else parsed(text)
    return None if record is None else record.version


def parsed(text: str) -> Record | None:
    """Return the record that a text holds, or None if it holds none."""
    if len(text) > _LONGEST:
        return None
    try:
        fields = json.loads(text)
        # A later version may know more of a target.
        record = Record(**{name: fields[name] for name in Record._fields if name in fields})
    except (ValueError, TypeError, AttributeError, RecursionError):
        # A record is a note, never a condition: one that another version wrote is no record.
        return None
    return record if _is_sound(record) else None


def _is_sound(record: Record) -> bool:
    """Return whether each field has the type that it should have: a file may say anything."""
    fields: dict[str, Any] = record._asdict()
    if not all(isinstance(fields[name], kind) for name, kind in _KINDS.items()):
        return False
    if isinstance(fields["seconds"], bool):
        return False
    fingerprints: list[Any] = [*(fields["files"] or {}).values(), fields["output"]]
    return all(_is_fingerprint(found) for found in fingerprints if found is not None)


def _is_fingerprint(found: Any) -> bool:
    return is_list(found) and list(map(type_of, found)) == [int, int, str]


# Ours have a few hundred bytes.
_LONGEST: Final = 1 << 20

_KINDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("task", "call", "made", "python", "code"), str),
    **dict.fromkeys(("inputs", "by", "host", "file", "contents"), str | None),
    **dict.fromkeys(("args", "shape", "files"), dict | None),
    "seconds": int | float,
    "bytes": int | None,
    "upstream": (list, type(None)),
    "output": (list, type(None)),
    "complete": bool,
}
