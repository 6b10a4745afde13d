"""Lists, tuples and dicts of numbers and texts, hashed a thousand elements at a time.

A walk through a million numbers takes a hundred times as long as hashing them. So parts that hold
nothing but plain data are pickled. Without its memo, pickle gives the same bytes for the same data,
whether or not equal objects are the same object. Only the value decides whether a part is pickled:
otherwise one value could have two digests.
"""

from __future__ import annotations

import gc
import math
import pickle
import re
import struct
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.parts import Parts, leaf
from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE: Final = 1000
_MOST: Final = 100_000
_MOST_BYTES: Final = 1 << 20
# Pickle checks for loops from a depth of 50 on, and Python limits recursion.
_DEEPEST: Final = 30

_ATOMS: Final = frozenset({NoneType, bool, int, float, str, bytes, bytearray})
_NESTED: Final = frozenset({list, tuple, dict})
_KNOWN: Final = _ATOMS | _NESTED
_SORTABLE: Final = frozenset({int, str, bytes})

# A pickled NaN or infinity, or other bytes that look like one.
_MAYBE_NAN: Final = re.compile(rb"G([\x7f\xff][\xf0-\xff].{6})", re.DOTALL)
_NAN: Final = struct.pack(">d", math.nan)


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
    kinds = set(map(type, value))
    if len(kinds) == 1 and kinds <= _SORTABLE:
        return Parts(f"sorted {name}", chunks(sorted(value)))
    return Parts(name, value, is_unordered=True)


def chunks(values: list[Any]) -> Iterator[Any]:
    """Yield a digest for each thousand elements of plain data, and other elements themselves."""
    for start in range(0, len(values), _SIZE):
        chunk = values[start : start + _SIZE]
        found = _as_bytes(chunk)
        if found is None:
            yield from chunk
        else:
            yield leaf(f"plain {len(chunk)}", found)


def _as_bytes(chunk: list[Any]) -> Any:
    """Return the chunk as bytes; None if it is not plain data, or too large."""
    kinds = _kinds_in(chunk)
    if kinds is None:
        return None
    try:
        written = _pickle(chunk)
        if float in kinds and any(map(_is_other_nan, _MAYBE_NAN.findall(written))):
            # There are many NaNs, which Python code cannot distinguish.
            written = _pickle(_with_one_nan(chunk))
    except _NotPlain:
        return None
    return written


def _kinds_in(chunk: list[Any]) -> set[type] | None:
    """Return the types in the chunk, at all levels; None if any is not plain."""
    containers: list[Any] = [chunk]
    kinds: set[type] = set()
    count = 0
    for _ in range(_DEEPEST):
        # For lists, tuples and dicts, the garbage collector's referents are their elements.
        inside = gc.get_referents(*containers)
        here = set(map(type, inside))
        count += len(inside)
        if not here <= _KNOWN or count > _MOST:
            return None
        kinds |= here
        if here.isdisjoint(_NESTED):
            return kinds
        containers = [value for value in inside if type(value) in _NESTED]
    return None


class _NotPlain(Exception):
    """The chunk cannot be pickled at once: it takes too many bytes, or NaNs as keys of a dict."""


class _BoundedFile:
    """A file in memory of at most a megabyte."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, piece: Any) -> None:
        self._size += len(piece)
        if self._size > _MOST_BYTES:
            raise _NotPlain
        self._pieces.append(bytes(piece))

    def content(self) -> bytes:
        return b"".join(self._pieces)


def _pickle(chunk: list[Any]) -> bytes:
    file = _BoundedFile()
    pickler = pickle.Pickler(file, 5)
    # Without a memo, which would record which objects are the same object.
    pickler.fast = True
    pickler.dump(chunk)
    return file.content()


def _is_other_nan(number: bytes) -> bool:
    return number != _NAN and math.isnan(struct.unpack(">d", number)[0])


def _with_one_nan(value: Any) -> Any:
    kind = type_of(value)
    if kind is float:
        return value if value == value else math.nan  # noqa: PLR0124 - NaN alone is not itself
    if kind is dict:
        found = {_with_one_nan(key): _with_one_nan(element) for key, element in value.items()}
        if len(found) < len(value):
            # Several keys were NaN, and have become one.
            raise _NotPlain
        return found
    return kind(map(_with_one_nan, value)) if kind in _NESTED else value
