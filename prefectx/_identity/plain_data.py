"""Plain data (numbers, texts, and lists, tuples and dicts of them) as bytes, for hashing.

The bytes follow from the data alone: whether equal objects are one object makes no difference.
"""

from __future__ import annotations

import gc
import marshal
import math
import pickle
import struct
from types import NoneType
from typing import Any, Final

from prefectx._identity.nan import has_other_nan, with_one_nan
from prefectx._types import type_of

_MOST_BYTES: Final = 1 << 20
# Pickle checks for loops from a depth of 50 on, and Python limits recursion.
_DEEPEST: Final = 20

ATOMS: Final = frozenset({NoneType, bool, int, float, str, bytes, bytearray})
_NESTED: Final = frozenset({list, tuple, dict})
_KNOWN: Final = ATOMS | _NESTED

# Marshal writes a list as its type and length, then each number after a letter.
_HEAD: Final = 5
_NUMBERS: Final = {int: (b"i", 5), float: (b"g", 9)}
_NAN: Final = struct.pack("<d", math.nan)
_LOOK_AT: Final = 50


def most_in(values: list[Any]) -> int:
    """Return how many values there may be in a list, at all levels, to become bytes at once."""
    return 3000 + 20 * len(values)


class TooLarge(Exception):
    """Data are too large, or nested too deep, to become bytes at once."""


def as_numbers(values: list[Any]) -> bytes | None:
    """Return a list of short integers, or of floats, as bytes; None if it is another list."""
    kind = type_of(values[0]) if values else NoneType
    if kind not in _NUMBERS or set(map(type, values[::_LOOK_AT])) != {kind}:
        return None
    try:
        written = marshal_plain(values)
    except ValueError:  # there is an object of another kind
        return None
    letter, width = _NUMBERS[kind]
    # Only in a list of nothing else is there the letter at each of these places.
    if len(written) != _HEAD + width * len(values) or written[_HEAD::width].strip(letter):
        return None
    if kind is float:
        exponents = written[_HEAD + width - 1 :: width]
        # Infinities, NaNs and the largest numbers.
        if exponents.count(b"\x7f") + exponents.count(b"\xff") != written.count(_NAN):
            return marshal_plain([each if each == each else math.nan for each in values])  # noqa: PLR0124
    return written


def as_bytes(plain: list[Any]) -> bytes:
    """Return plain data as bytes.

    Raises:
        TooLarge: It takes too many bytes.
    """
    written = _pickle(plain)
    # There are many NaNs, which Python code cannot distinguish.
    return _pickle(with_one_nan(plain)) if has_other_nan(written) else written


def marshal_plain(plain: Any) -> bytes:
    """Return plain data as bytes; the elements of sets in an order that follows from them."""
    # Later versions tell whether equal objects are the same object.
    return marshal.dumps(plain, 2)


def are_plain_without_nan(values: list[Any]) -> bool:
    """Tell whether values are plain data in which no NaN would have to be replaced."""
    try:
        kinds = kinds_in(values)
        return kinds is not None and not (float in kinds and has_other_nan(_pickle(values)))
    except TooLarge:
        return False


def kinds_in(values: list[Any]) -> set[type] | None:
    """Return the types in values, at all levels; None if any is not plain.

    Raises:
        TooLarge: There is too much in it, or too deep.
    """
    containers: list[Any] = [values]
    kinds: set[type] = set()
    most = most_in(values)
    for _ in range(_DEEPEST):
        most -= sum(map(len, containers))
        if most < 0:
            raise TooLarge
        # For lists, tuples and dicts, the garbage collector's referents are their elements.
        inside = gc.get_referents(*containers)
        here = set(map(type, inside))
        if not here <= _KNOWN:
            return None
        kinds |= here
        if here.isdisjoint(_NESTED):
            return kinds
        containers = [value for value in inside if type(value) in _NESTED]
    raise TooLarge


class _BoundedFile:
    """A file in memory of at most a megabyte."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, piece: Any) -> None:
        self._size += len(piece)
        if self._size > _MOST_BYTES:
            raise TooLarge
        self._pieces.append(bytes(piece))

    def content(self) -> bytes:
        return b"".join(self._pieces)


def _pickle(plain: Any) -> bytes:
    file = _BoundedFile()
    pickler = pickle.Pickler(file, 5)
    # Without a memo, which would record which objects are the same object.
    pickler.fast = True
    pickler.dump(plain)
    return file.content()
