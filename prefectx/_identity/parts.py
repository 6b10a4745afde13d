"""`Parts` of a compound value, and digests of simple values."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xxhash import xxh3_128, xxh3_128_digest

from prefectx._types import type_of
from prefectx._words import with_article
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Iterable

# A module, imported where it is used.
library: Final = cache(import_module)

_LARGE: Final = 1 << 16


class Digest(bytes):
    """A digest that takes the place of a part in a compound value."""

    __slots__ = ()


class CodeInColumns(NamedTuple):
    """Classes and functions that were hashed by name as columns: no part of a value's digest."""

    found: tuple[Any, ...]


class Parts(NamedTuple):
    """The parts of a compound value.

    Attributes:
        tag: The kind of value: two kinds never have the same tag.
        parts: The values in it, in order.
        is_unordered: Whether the order of the parts does not matter, as in a set.
    """

    tag: str
    parts: Iterable[Any]
    is_unordered: bool = False


def leaf(tag: str, content: Any) -> Digest:
    """Return the digest of bytes, or of anything with a contiguous buffer, without a copy.

    Args:
        tag: The kind of value.
        content: Its bytes.
    """
    hasher = xxh3_128(f"{tag}:".encode("utf-8", "surrogatepass"))
    hasher.update(content)
    return Digest(hasher.digest())


def leaf_of_many(tag: str, buffers: Iterable[Any]) -> Digest:
    """Return the digest of buffers one after the other, as if they were one."""
    hasher = xxh3_128(f"{tag}:".encode("utf-8", "surrogatepass"))
    for buffer in buffers:
        hasher.update(buffer)
    return Digest(hasher.digest())


def text_leaf(tag: str, text: str) -> Digest:
    """Return the digest of a text."""
    if len(text) < _LARGE:
        return Digest(xxh3_128_digest(f"{tag}:{text}".encode("utf-8", "surrogatepass")))
    if text.isascii():
        return leaf(tag, _memory_of(text))
    # The narrowest of Python's own forms that has all its characters is copied quickest.
    for encoding in ("latin-1", "utf-16-le"):
        try:
            return leaf(f"{tag} {encoding} {len(text)}", text.encode(encoding))
        except UnicodeEncodeError:
            continue
    # It has half a character of UTF-16.
    return leaf(f"{tag} utf-8", text.encode("utf-8", "surrogatepass"))


def _memory_of(text: str) -> Any:
    """Return the memory of an ASCII text: encoding it would take longer than hashing it."""
    import ctypes

    address = ctypes.pythonapi.PyUnicode_AsUTF8AndSize
    address.restype = ctypes.c_void_p
    address.argtypes = [ctypes.py_object, ctypes.c_void_p]
    return (ctypes.c_char * len(text)).from_address(address(text, None))


def refusal(value: Any, why: object) -> UnsupportedValue:
    """Return the error for an object that has no value of its own."""
    kind = type_of(value)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    msg = f"{with_article(name)} has no value that could be compared: {why}"
    return UnsupportedValue(msg)


def combine(tag: str, digests: list[bytes]) -> Digest:
    """Return the digest of a compound value from those of its parts."""
    return Digest(xxh3_128_digest(f"{tag}:{len(digests)}:".encode() + b"".join(digests)))
