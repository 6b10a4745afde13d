"""`Record`: what is known of a target; how it is written and read."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from xxhash import xxh3_64_hexdigest

from prefectx.errors import TargetCollision
from prefectx.stores.record_fields import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    class LoadsRecords(Protocol):
        """A store that returns records."""

        def load_record(self, target: str) -> str | None:
            """Return the record beside an output."""
            ...

    class KeepsRecords(LoadsRecords, Protocol):
        """A store, as far as its records go."""

        def save_record(self, target: str, record: str) -> None:
            """Save the record beside an output."""
            ...

        def save_recorded(self, target: str, value: Any, record: str) -> None:
            """Save an output and its record."""
            ...


class Record(NamedTuple):
    """The record that lies beside a target. No record is needed for a target to count.

    Attributes:
        task: The name of the task that made the target.
        call: The call, shortened.
        made: When it was made: ISO 8601, UTC.
        seconds: How long the task's function ran.
        python: The version of Python that ran it.
        code: A hash of the task's code and of the code of the project that it uses.
        inputs: A hash of all inputs' contents, if the task asks for it with `rerun_on`.
        complete: Whether it describes what is at the target. False while a task that has
            `rerun_on`, or writes its target itself, makes it, and for good if that was
            interrupted: such a target does not count.
        contents: A hash of what lies at the targets of Items, if `rerun_on` asks for `"upstream"`.
        files: The files that the arguments name, by their paths: size, time, hash of the content;
            None if there was no file.
        output: The same of the target, if the task's function wrote it itself.
        base_from: Where the Item lies whose base the target took over, `{base}` in its place.
        key: A hash of the call's arguments, by value; Items count by their targets.
        output_made: When the output was made, if a person has accepted it at `made`.
        args_code: Hashes of the code of the project's functions and classes among the arguments,
            by argument; None if there are none.
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
    files: Mapping[str, tuple[int, int, str] | None] | None = None
    output: tuple[int, int, str] | None = None
    base_from: str | None = None
    key: str | None = None
    output_made: str | None = None
    args_code: dict[str, str] | None = None

    @property
    def version(self) -> str:
        """A text that differs if another call, other code or other inputs made the target.

        It is the mark, and what `rerun_on` has compared, if anything.
        """
        # Not whether it is complete: the same call may be making it once more.
        if self.inputs is None and self.contents is None:
            return self.mark
        return f"{self.mark} {self.inputs} {self.contents}"

    @property
    def mark(self) -> str:
        """The mark of the call that made the target."""
        return call_mark(maker_mark(self.task, self.code), self.key or "", self.args_code)


# Pickles name it so, and hold when modules move.
Record.__module__ = "prefectx.records"


def maker_mark(task: str, code: str) -> str:
    """Return a short text that stands for a task as it is now, in every process."""
    return xxh3_64_hexdigest(f"{task}\0{code}".encode("utf-8", "surrogatepass"))


def call_mark(maker: str, key: str, args_code: Mapping[str, str] | None = None) -> str:
    """Return a short text that stands for a call of a task as it is now, in every process.

    Args:
        maker: The mark of the task, from `maker_mark`.
        key: The key of the call's arguments.
        args_code: The hash of the code in each argument that has any.
    """
    if not args_code:
        return maker + key
    return maker + key + xxh3_64_hexdigest(json.dumps(sorted(args_code.items())).encode())


def mark_of(text: str) -> str:
    """Return the mark of the task and the call that a record names, or "" if it is no record."""
    record = parsed(text) if text else None
    if record is None:
        return ""
    return record.mark if record.complete else UNFINISHED


UNFINISHED: Final = "unfinished"
"""The mark of what is nobody's: each task reads its record first."""


def unfinished(text: str) -> str:
    """Return the text of a record such that it vouches for nothing yet."""
    record = parsed(text)
    return text if record is None else text_of(record._replace(complete=False))


def shortened(text: str) -> str:
    """Return a short text of a record that vouches for nothing: a longer one must lie beside it."""
    record = parsed(text)
    if record is None:
        return text
    few = {name: getattr(record, name) for name in ("task", "made", "seconds", "python", "code")}
    return text_of(Record(**few, call=record.call[:_LONGEST_CALL], complete=False))


def collision_while_saving(store: LoadsRecords, target: str, text: str) -> TargetCollision | None:
    """Return the error for two calls that write one target at the same moment; None for one.

    A record lies beside its output, so one call's output might get the other's record. It is asked
    after the output was written: then the last output is that of the last record, or is removed.

    Args:
        store: The store.
        target: The target.
        text: The record of the call that has written the output.
    """
    own, found = parsed(text), parsed(store.load_record(target) or "")
    if own is None or found is None or (found.task, found.key) == (own.task, own.key):
        return None
    msg = (
        f"target {target!r} was written by two calls at the same moment: {own.call} and"
        f" {found.call}. The output of {own.call} was removed. Give the two calls different"
        " targets, then call them again."
    )
    return TargetCollision(msg)


def parsed(text: str) -> Record | None:
    """Return the record that a text holds, or None if it holds none."""
    if len(text) > LONGEST:
        return None
    fields = fields_of(text)
    if fields is None:
        return None
    try:
        # A later version may know more of a target.
        return Record(**{name: fields[name] for name in Record._fields if name in fields})
    except TypeError:
        # It has not all that a record has.
        return None


def read(store: KeepsRecords, target: str) -> Record | None:
    """Return the record of a target, or None if there is none that can be read."""
    text: object = store.load_record(target)
    return parsed(text) if isinstance(text, str) else None


def save(store: KeepsRecords, target: str, value: Any, record: Record) -> None:
    """Save an output and its record."""
    store.save_recorded(target, value, text_of(record))


def write(store: KeepsRecords, target: str, record: Record) -> None:
    """Save the record of a target."""
    store.save_record(target, text_of(record))


def text_of(record: Record) -> str:
    """Return the record as text."""
    fields = {name: value for name, value in record._asdict().items() if value is not None}
    text = json.dumps(fields)
    if len(text) > _LONGEST_WRITTEN:
        # Extended attributes are short; the journal has it whole.
        text = json.dumps({**fields, "args": None, "upstream": None})
    return text


_LONGEST_WRITTEN: Final = 3_000
_LONGEST_CALL: Final = 200


def journal_line(target: str, record: Record) -> str:
    """Return the line that says that a target was made."""
    fields = {name: value for name, value in record._asdict().items() if value is not None}
    return json.dumps({"target": target, **fields})


def failure_line(target: str, record: Record, error: Exception, args: Mapping[str, Any]) -> str:
    """Return the line that says that a call failed.

    Args:
        target: The target that the call would have filled.
        record: What is known of the call.
        error: What it raised.
        args: Its arguments, as they stand in records.
    """
    fields = {name: value for name, value in record._asdict().items() if value is not None}
    lines = str(error).splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    # Imported here: few calls fail, and it imports much.
    import traceback

    told = "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:]
    failure = {"target": target, **fields, "args": args, "failed": text, "traceback": told}
    return json.dumps(failure)


_LONGEST_TRACEBACK: Final = 8_000


def user() -> str:
    """Return the name of the user whose process this is, or the number if there is no name."""
    global _user  # noqa: PLW0603 - asked once a process
    if _user is None:
        import getpass

        try:
            _user = getpass.getuser()
        except (OSError, KeyError):
            _user = str(os.getuid())
    return _user


_user: str | None = None


def host() -> str:
    """Return the name of this machine."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def maker_of(store: KeepsRecords, target: str) -> str:
    """Return words that say which task made a target, if that is known."""
    try:
        record = read(store, target)
    except Exception:  # noqa: BLE001 - it is asked for while another error is told
        return ""
    return f" (made by task {record.task!r})" if record else ""


def now() -> str:
    """Return the time for a record."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def python_version() -> str:
    """Return the version of Python, such as `3.11`."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


LONGEST: Final = 1 << 20
"""The most bytes of a record that are read: ours have a few hundred. A longer one is no record."""
