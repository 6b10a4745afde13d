"""What is known of a target: when it was made, by what code, from which inputs."""

from __future__ import annotations

import marshal
import sys
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

from xxhash import xxh3_64_hexdigest

from prefectx.item import Item
from prefectx.tree import replace, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prefectx.stores.base import Store


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
        complete: Whether it describes what is at the target. False while a task with `rerun_on`
            remakes it, and for good if that was interrupted: such a target is stale.
    """

    task: str
    call: str
    made: str
    seconds: float
    python: str
    code: str
    inputs: str | None = None
    complete: bool = True


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
    if text is None:
        return None
    import json

    try:
        return Record(**json.loads(text))
    except (ValueError, TypeError):
        # A record is a note, never a condition: one that another version wrote is no record.
        return None


def write(store: Store, target: str, record: Record) -> None:
    """Keep the record of a target."""
    import json

    store.save_record(target, json.dumps(record._asdict(), ensure_ascii=True, indent=1))


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


def code_hash(fn: Callable[..., Any]) -> str:
    """Return a hash of what a function does: its byte code, constants and names, not its lines.

    Of a decorated function, the decorator's wrapper counts and the function itself.
    """
    essences: list[tuple[Any, ...]] = []
    found: Any = fn
    while found is not None:
        code = getattr(found, "__code__", None)
        if isinstance(code, CodeType):
            essences.append((*_essence(code), *_surroundings(found)))
        # A decorator's wrapper says nothing of the function that it wraps.
        found = getattr(found, "__wrapped__", None)
    if not essences:
        return ""
    return xxh3_64_hexdigest(marshal.dumps(essences))


def _surroundings(function: Any) -> tuple[str, ...]:
    """Return what tells functions of one code apart: defaults and what they close over."""
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    keywords: dict[str, Any] = function.__kwdefaults__ or {}
    values: list[Any] = [*cells, *(function.__defaults__ or ()), *keywords.values()]
    return tuple(_fixed_text(value) for value in values)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _fixed_text(value: Any) -> str:
    """Return the text of what cannot change; of what may change while a task runs, its type."""
    if isinstance(value, str | bytes | int | float | complex | type(None)):
        return repr(value)
    if (code := getattr(value, "__code__", None)) is not None:
        return repr(_essence(code))
    return type_of(value).__qualname__


def _essence(code: CodeType) -> tuple[Any, ...]:
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_code, code.co_exceptiontable, _constant(code.co_consts), *names)


def _constant(value: Any) -> Any:
    if isinstance(value, CodeType):
        return _essence(value)
    kind = type_of(value)
    if kind is tuple:
        return tuple(map(_constant, value))
    if kind is frozenset:
        # Its order changes from process to process.
        return ("frozenset", *sorted(map(repr, value)))
    return repr(value)


def inputs_hash(arguments: Mapping[str, Any]) -> str:
    """Return a hash of all arguments' contents: for Items, of what lies at their targets."""
    from prefectx.digest import digest

    return digest(replace(dict(arguments), _contents)).hex()


def _contents(value: Any) -> Any:
    if isinstance(value, Item):
        return (value.target, value.store.digest(value.target))
    return value
