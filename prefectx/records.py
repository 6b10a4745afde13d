"""What is known of a target: when it was made, by what code, from which inputs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from prefectx._values.containers import replace
from prefectx._values.item import Item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefectx.stores.base import Store
    from prefectx.stores.record import Record


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
    text = store.load_record(target)
    return None if text is None else parsed(text)


def parsed(text: str) -> Record | None:
    """Return the record that a text holds, or None if it holds none."""
    import json

    from prefectx.stores.record import Record

    try:
        return Record(**json.loads(text))
    except (ValueError, TypeError):
        # A record is a note, never a condition: one that another version wrote is no record.
        return None


def vouches(text: str, call: str, code: str) -> bool:
    """Tell at low cost whether a record's text is of this call and this code.

    It is looked through for both. Within another text the quotes would have a backslash; where
    `call` itself needs one, it is not found.
    """
    return f'"call": "{call}"' in text and f'"code": "{code}"' in text


def save(store: Store, target: str, value: Any, record: Record) -> None:
    """Keep an output and its record."""
    store.save_recorded(target, value, _text(record))


def write(store: Store, target: str, record: Record) -> None:
    """Keep the record of a target."""
    store.save_record(target, _text(record))


def _text(record: Record) -> str:
    import json

    return json.dumps(record._asdict())


def maker_of(store: Store, target: str) -> str:
    """Return words that say which task made a target, if that is known."""
    record = read(store, target)
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


def _contents(value: Any) -> Any:
    if isinstance(value, Item):
        return (value.target, value.store.digest(value.target))
    return value
