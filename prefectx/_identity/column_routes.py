"""Routes: the ways in which values of a type become columns, for hashing, chosen once a type."""

from __future__ import annotations

import array
import copyreg
import enum
import functools
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import Any, Final, NamedTuple

from prefectx._identity.attributes import has_only_attributes, is_of_pathlib
from prefectx._identity.libraries import LIBRARIES, is_plain_model
from prefectx._identity.names import importable_name
from prefectx._identity.parts import Digest, Parts, library
from prefectx._identity.plain_data import ATOMS
from prefectx._types import has_member
from prefectx._values.item import Item


class Route(NamedTuple):
    """The way in which values of a type become columns.

    Attributes:
        what: The name of the method that writes them.
        name: The name of their type; "" if what is written tells it.
    """

    what: str
    name: str = ""


_WALKED: Final = Route("walked")

_BUILTIN: Final[dict[type, Route]] = {
    **dict.fromkeys(ATOMS, Route("atoms")),
    complex: Route("complexes"),
    list: Route("sequences", "list"),
    tuple: Route("sequences", "tuple"),
    dict: Route("dicts"),
    set: Route("sets", "set"),
    frozenset: Route("sets", "frozenset"),
}
_ZONES: Final = frozenset({"datetime.timezone", "zoneinfo.ZoneInfo"})
_NAMED: Final = (FunctionType, BuiltinFunctionType, type)
# Types that the walk hashes better than pickle does.
_WALKED_TYPES: Final = (
    *(Item, Digest, Parts, ModuleType, MethodType, BaseException, PurePath, set, frozenset),
    *(array.array, memoryview, MappingProxyType, property, functools.cached_property),
    *(staticmethod, classmethod),
)


def route_of(kind: type[Any]) -> Route:
    """Return the way in which values of a type become columns."""
    if (route := _BUILTIN.get(kind)) is not None:
        return route
    if issubclass(kind, _NAMED):
        return Route("named", "class" if issubclass(kind, type) else "function")
    name = importable_name(kind)
    # Two equal classes that were made by a function are two objects.
    if name is None or kind is object:
        return _WALKED
    return Route(_what(kind), name)


def _what(kind: type[Any]) -> str:  # noqa: PLR0911 - one for each kind
    if issubclass(kind, enum.Enum):
        return "members"
    if issubclass(kind, PurePath) and is_of_pathlib(kind):
        return "texts"
    if f"{kind.__module__}.{kind.__qualname__}" in _ZONES:
        return "zones"
    if issubclass(kind, _WALKED_TYPES) or kind in copyreg.dispatch_table:
        return "walked"
    if has_member(kind, "__next__"):
        return "walked"
    if any(base.__module__.partition(".")[0] in LIBRARIES for base in kind.__mro__):
        if is_plain_model(kind):
            return "models"
        return "scalars" if _is_number_of_numpy(kind) else "walked"
    return "instances" if has_only_attributes(kind) else "reduced"


def _is_number_of_numpy(kind: type[Any]) -> bool:
    numpy: Any = library("numpy")
    is_number = issubclass(kind, numpy.number | numpy.bool_)
    return is_number and kind.__module__ == "numpy" and numpy.dtype(kind).kind in "biufc"
