"""Values that code uses: constants, defaults and what closures hold, and how they count."""

from __future__ import annotations

import os
import sys
from types import CellType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._identity.content_hash import digest, digest_if_comparable, digest_of_known_parts
from prefectx._identity.objects_with_code import is_immutable, is_named_code, is_wrapper
from prefectx._types import type_of
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXED: Final = frozenset({type(None), bool, int, float, complex, str, bytes, tuple, frozenset})


class CodePart(NamedTuple):
    """A value that code uses, to be fingerprinted.

    Attributes:
        name: Its name, for people.
        value: The value.
        is_fixed: Whether it is compared by value, because tasks are not expected to change it.
        digest: The digest of the value, if it is known already.
    """

    name: str
    value: Any
    is_fixed: bool = True
    digest: bytes | None = None


def is_fixed_value(value: Any) -> bool:
    """Tell whether a value counts by what it is, since nobody can change it."""
    return type_of(value) in FIXED or is_named_code(value) or is_immutable(value)


# Attributes of named tuples, also with defaults.
OF_TUPLES: Final = frozenset({"_fields", "_field_defaults"})


def given(where: str, value: Any) -> CodePart:
    """Return a value of a closure or a default, which tells a factory's functions apart."""
    kind = type_of(value)
    is_code = isinstance(value, FunctionType | type | ModuleType) or is_named_code(value)
    is_harmless = kind is object or kind.__module__ in _HARMLESS
    if is_code or is_harmless or is_wrapper(value):
        return CodePart(where, value)
    if (found := digest_if_comparable(value)) is not None:
        return CodePart(where, value, digest=found)
    # It may be another one in each process, and nothing tells whether it is.
    return CodePart(f"{where}, which cannot be compared", _THIS_PROCESS)


# A marker, or what only keeps threads apart.
_HARMLESS: Final = frozenset({"_thread", "threading", "_contextvars", "weakref"})
_THIS_PROCESS: Final = os.urandom(8).hex()


def fingerprint(value: Any) -> str:
    """Return a short hash of a value; of one without a value, that of its parts that have one."""
    try:
        return shortened(digest(value))
    except UnsupportedValue:
        return shortened(digest_of_known_parts(value))


def shortened(found: bytes) -> str:
    """Return a digest as a short hash."""
    return found.hex()[:16]


def content_of(cell: CellType) -> list[Any]:
    """Return what is in a cell of a closure; an empty list if the name is not bound yet."""
    try:
        return [cell.cell_contents]
    except ValueError:  # the name is not bound yet
        return []


def defaults_of(fn: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the defaults of a function's parameters, after their names."""
    values = fn.__defaults__ or ()
    names = fn.__code__.co_varnames[: fn.__code__.co_argcount]
    yield from zip(names[len(names) - len(values) :], values, strict=True)
    yield from (fn.__kwdefaults__ or {}).items()


def class_of(fn: FunctionType) -> list[type[Any]]:
    """Return the class of a method, whose attributes it may use; an empty list for a function."""
    found: Any = sys.modules.get(fn.__module__ or "")
    for part in fn.__qualname__.split(".")[:-1]:
        found = getattr(found, part, None)
    return [found] if isinstance(found, type) else []
