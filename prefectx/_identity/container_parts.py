"""Parts of lists, tuples, dicts and sets, for hashing: a thousand elements at a time.

A walk through a million numbers takes a hundred times as long as hashing them. So a thousand
elements become bytes that are hashed once: plain data as they are, objects column by column. Only
the values decide which of these is used, never which objects are the same object: otherwise one
value could have two digests.
"""

from __future__ import annotations

from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.columns import as_columns
from prefectx._identity.parts import CodeInColumns, Parts, leaf
from prefectx._identity.plain_data import (
    TooLarge,
    are_plain_without_nan,
    as_bytes,
    as_numbers,
    kinds_in,
    marshal_plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE: Final = 1000
_FEW: Final = 32
_SORTABLE: Final = frozenset({int, str, bytes, bool})


def list_parts(value: list[Any]) -> Parts:
    """Return the parts of a list."""
    return Parts("list", chunks(value))


def tuple_parts(value: tuple[Any, ...]) -> Parts:
    """Return the parts of a tuple."""
    return Parts("tuple", chunks(list(value)))


def dict_parts(value: dict[Any, Any]) -> Parts:
    """Return the parts of a dict, in order: a function can see the order."""
    return Parts("dict", chunks(list(chain.from_iterable(value.items()))))


def set_parts(value: set[Any] | frozenset[Any]) -> Parts:
    """Return the parts of a set, whose order may differ between processes."""
    name = type(value).__name__
    if (ordered := in_order(value)) is not None:
        return Parts(f"sorted {name}", chunks(ordered))
    return Parts(name, value, is_unordered=True)


def in_order(values: set[Any] | frozenset[Any]) -> list[Any] | None:
    """Return the elements of a set in an order that follows from them; None if there is none."""
    kinds = set(map(type, values))
    if len(kinds) == 1 and kinds <= _SORTABLE:
        return sorted(values)
    # Each kind apart, for a number and a text cannot be compared.
    by_kind: dict[type, list[Any]] = {kind: [] for kind in kinds}
    for element in values:
        by_kind[type(element)].append(element)
    ordered: list[Any] = []
    for kind in sorted(kinds, key=lambda kind: kind.__name__):
        found = _sorted(kind, by_kind[kind])
        if found is None:
            return None
        ordered += found
    return ordered


def _sorted(kind: type, values: list[Any]) -> list[Any] | None:
    if kind in _SORTABLE or kind is NoneType:
        return sorted(values)
    if kind is float:
        # A NaN has no place in an order.
        return sorted(values) if all(value == value for value in values) else None  # noqa: PLR0124
    if kind is tuple and all(map(are_plain_without_nan, _in_chunks(values))):
        return sorted(values, key=marshal_plain)
    return None


def chunks(values: list[Any], size: int = _SIZE) -> Iterator[Any]:
    """Yield a digest for each thousand elements, and after it those that must be walked.

    Args:
        values: The elements.
        size: How many are tried at once.
    """
    for chunk in _in_chunks(values, size):
        if (numbers := as_numbers(chunk)) is not None:
            yield leaf("numbers", numbers)
            continue
        try:
            if kinds_in(chunk) is not None:
                yield leaf("plain", as_bytes(chunk))
                continue
            written, others, code = as_columns(chunk)
        except TooLarge:
            # Fewer large elements at once.
            yield from chunks(chunk, _FEW) if len(chunk) > _FEW else chunk
        else:
            yield leaf("columns", written)
            yield from others
            if code:
                yield CodeInColumns(code)


def _in_chunks(values: list[Any], size: int = _SIZE) -> Iterator[list[Any]]:
    if len(values) <= size:
        yield values
        return
    for start in range(0, len(values), size):
        yield values[start : start + size]
