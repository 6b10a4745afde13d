"""What is known of a target: when it was made, by what code, from which inputs."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from prefectx._values.containers import replace
from prefectx._values.item import Item
from prefectx.stores.record import Record, parsed

__all__ = ["Record", "record_of"]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefectx.stores.base import Store


def record_of(item: Item[Any]) -> Record | None:
    """Return what is known of an item's target.

    Args:
        item: The Item that a call gave, or `task.item(…)`.

    Returns:
        The record, or None if there is none, as for a file that was dropped in by hand.

    Example:
        >>> record_of(item("working/row_filter/a")) is None
        True
    """
    return read(item.store, item.target)


def read(store: Store, target: str) -> Record | None:
    """Return the record of a target, or None if there is none that can be read."""
    text: object = store.load_record(target)
    return parsed(text) if isinstance(text, str) else None


def save(store: Store, target: str, value: Any, record: Record) -> None:
    """Keep an output and its record."""
    store.save_recorded(target, value, text_of(record))


def write(store: Store, target: str, record: Record) -> None:
    """Keep the record of a target."""
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
    import traceback

    fields = {name: value for name, value in record._asdict().items() if value is not None}
    lines = str(error).splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
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


def maker_of(store: Store, target: str) -> str:
    """Return words that say which task made a target, if that is known."""
    try:
        record = read(store, target)
    except Exception:  # noqa: BLE001 - it is asked for while another error is told
        return ""
    return f" (made by task {record.task!r})" if record else ""


def now() -> str:
    """Return the time for a record."""
    import datetime

    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def python_version() -> str:
    """Return the version of Python within which byte code can be compared."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def inputs_hash(arguments: Mapping[str, Any]) -> str:
    """Return a hash of all arguments' contents: for Items, of what lies at their targets."""
    from prefectx._identity.content_hash import digest

    return digest(replace(dict(arguments), _contents)).hex()


def upstream_hash(arguments: Mapping[str, Any]) -> str:
    """Return a hash of what lies at the targets of the Items among the arguments."""
    from xxhash import xxh3_128

    whole = xxh3_128()

    def feed(value: Any) -> Any:
        if isinstance(value, Item):
            whole.update(f"{value.target}\0".encode("utf-8", "surrogatepass"))
            whole.update(value.store.digest(value.target))
        return value

    replace(dict(arguments), feed)
    return whole.hexdigest()


def _contents(value: Any) -> Any:
    if isinstance(value, Item):
        return (value.target, value.store.digest(value.target))
    return value
