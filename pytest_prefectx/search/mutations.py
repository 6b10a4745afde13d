"""Small changes of an argument, to find those that a target does not show."""

from __future__ import annotations

import copy
import datetime
import math
from dataclasses import fields, is_dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from prefectx._types import type_of
from pytest_prefectx.equality import identical
from pytest_prefectx.search.strategies import twins_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST_PARTS: Final = 4
_SHORT: Final = 12
_LONG: Final = 100


def mutations(value: Any) -> list[Any]:
    """Return values that differ a little from `value`, each in another way.

    They differ in the last digits, the case, the middle or the end of a text, the folder or the
    suffix of a path, the time of a day, one cell of a table, one element of a container.

    Example:
        >>> mutations(datetime.date(2026, 1, 31))[:2]
        [datetime.date(2026, 2, 1), datetime.date(2026, 1, 30)]
    """
    different: list[Any] = []
    for mutated in (*_mutations(value), *twins_of(value)):
        if not any(identical(mutated, other) for other in (value, *different)):
            different.append(mutated)
    return different


def _mutations(value: Any) -> Iterator[Any]:
    kind = type_of(value)
    if (make := _MUTATIONS_OF.get(kind)) is not None:
        yield from make(value)
    elif isinstance(value, PurePath):
        yield from (value.parent / "b" / value.name, value.with_suffix(".other"))
        yield value.with_name(f"{value.stem}b{value.suffix}")
    elif is_dataclass(value) and not isinstance(value, type):
        for field in [field for field in fields(value) if field.init]:
            for mutated in _mutations(getattr(value, field.name)):
                yield replace(value, **{field.name: mutated})
    elif kind.__module__.startswith(("numpy", "pandas")):
        yield from _table_mutations(value)


def _bool(value: bool) -> Iterator[Any]:
    yield not value


def _int(value: int) -> Iterator[Any]:
    yield from (value + 1, value - 1, -value, value + 10, value * 10, value + 1000, value + 2**32)


def _float(value: float) -> Iterator[Any]:
    if not math.isfinite(value):
        return
    for digits in (1, 2, 3, 4, 6, 9, 12):
        yield from (value + 10.0**-digits / 4, value - 10.0**-digits / 4)
    yield from (math.nextafter(value, math.inf), math.nextafter(value, -math.inf), -value)


def _str(value: str) -> Iterator[Any]:
    # From its own characters, because a strategy may have no others.
    first, last, middle = value[:1] or "0", value[-1:] or "0", len(value) // 2
    for size in (_SHORT, _LONG):
        yield from (value.ljust(size, last) + end for end in (first, last, "1"))
    yield from (value.swapcase(), f"{value}{first}", f"{last}{value}", f"{value} ", value.strip())
    yield from (f"{value[:middle]}{last}{value[middle:]}", value[:-1], value[1:], value[::-1])
    yield from (f"b/{value}", f"{value}.b", value.replace("/", "_"), value.replace(" ", "_"))


def _bytes(value: bytes) -> Iterator[Any]:
    yield from (value + b"0", value[:-1], value[::-1])


def _date(value: datetime.date) -> Iterator[Any]:
    steps = (1, -1, 7, 31, 366)
    for step in map(datetime.timedelta, steps):
        try:
            yield value + step
        except OverflowError:
            continue


def _datetime(value: datetime.datetime) -> Iterator[Any]:
    for seconds in (1e-6, 1.0, 60.0, 3600.0):
        for step in (datetime.timedelta(seconds=seconds), datetime.timedelta(seconds=-seconds)):
            try:
                yield value + step
            except OverflowError:
                continue
    yield from _date(value)


def _timedelta(value: datetime.timedelta) -> Iterator[Any]:
    yield from (value + datetime.timedelta(microseconds=1), value + datetime.timedelta(seconds=1))


def _list(value: list[Any]) -> Iterator[Any]:
    for index, element in _some(value):
        for mutated in _mutations(element):
            yield [*value[:index], mutated, *value[index + 1 :]]
    yield from (value[::-1], value[:-1], [*value, *value[-1:]])


def _tuple(value: tuple[Any, ...]) -> Iterator[Any]:
    yield from map(tuple, _list(list(value)))


def _dict(value: dict[Any, Any]) -> Iterator[Any]:
    for _, (key, element) in _some([*value.items()]):
        for mutated in _mutations(element):
            yield {**value, key: mutated}
    yield dict([*value.items()][::-1])


def _set(value: set[Any] | frozenset[Any]) -> Iterator[Any]:
    kind = type_of(value)
    for element in list(value)[:_MOST_PARTS]:
        for mutated in _mutations(element):
            yield kind([*(value - {element}), mutated])


def _some(parts: list[Any]) -> list[tuple[int, Any]]:
    """Return the first parts and the last."""
    pairs = list(enumerate(parts))
    return pairs if len(pairs) <= _MOST_PARTS else [*pairs[: _MOST_PARTS - 1], pairs[-1]]


def _table_mutations(value: Any) -> Iterator[Any]:
    """Yield copies of an array or a table with one cell changed: the first, middle or last."""
    size = getattr(value, "size", 0)
    for place in sorted({0, size // 2, size - 1} if size else ()):
        changed = copy.deepcopy(value)
        cells = changed.iloc if hasattr(changed, "iloc") else changed
        shape = changed.shape
        index = (place,) if len(shape) == 1 else (place // shape[1], place % shape[1])
        for mutated in list(_mutations(_plain(cells[index])))[:2]:
            try:
                cells[index] = mutated
            except (TypeError, ValueError):
                continue
            yield changed
            break
    if hasattr(value, "iloc") and len(value) > 1:
        yield value.iloc[::-1]


def _plain(cell: Any) -> Any:
    return cell.item() if hasattr(cell, "item") else cell


_MUTATIONS_OF: Final[dict[type[Any], Callable[[Any], Iterator[Any]]]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    bytes: _bytes,
    datetime.date: _date,
    datetime.datetime: _datetime,
    datetime.timedelta: _timedelta,
    list: _list,
    tuple: _tuple,
    dict: _dict,
    set: _set,
    frozenset: _set,
}
