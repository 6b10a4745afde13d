"""The attributes of an object: in its `__dict__`, its slots and its C struct."""

from __future__ import annotations

import sys
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, Final, cast

from prefectx._types import type_of

# Attributes that are compared elsewhere, or do not belong to an exception's value.
_OF_EXCEPTIONS: Final = frozenset(
    {"args", "__cause__", "__context__", "__dict__", "__suppress_context__", "__traceback__"}
)


def attributes_of(value: Any) -> dict[str, Any]:
    """Return the attributes of an object, by name and sorted.

    The cached value of a `cached_property` follows from the others and is left out.
    """
    kind = type_of(value)
    found: dict[str, Any] = {}
    for name, member in slots_of(kind).items():
        try:
            found[name] = member.__get__(value)
        except AttributeError:  # it was never set
            continue
    attributes: dict[str, Any] = getattr(value, "__dict__", {})
    found |= {name: attributes[name] for name in attributes if not is_cached(kind, name)}
    return {name: found[name] for name in sorted(found, key=str)}


def attributes_besides(value: Any, known: frozenset[str]) -> dict[str, Any]:
    """Return the attributes of an object of a library that others have set, by name and sorted.

    Args:
        value: The object.
        known: The names of the attributes that the library itself sets.
    """
    own = cast("dict[Any, Any]", vars(value))
    return {name: own[name] for name in sorted(own, key=str) if name not in known}


def wraps_code(value: Any) -> bool:
    """Tell whether a value stands for a function: a task, a function with `functools.cache`."""
    return "__wrapped__" in getattr(value, "__dict__", ())


def is_cached(kind: type[Any], name: str) -> bool:
    """Tell whether an attribute is the cached value of a `cached_property`."""
    return type(getattr(kind, name, None)).__name__ == "cached_property"


def has_only_attributes(kind: type[Any]) -> bool:
    """Tell whether pickle stores an instance's attributes and nothing else."""
    # Each class has the method since Python 3.11.
    return all(
        getattr(kind, name) is getattr(object, name)
        for name in ("__getstate__", "__reduce__", "__reduce_ex__")
    )


def is_of_pathlib(kind: type[Any]) -> bool:
    """Tell whether a class is one of the standard library's paths."""
    return kind.__module__.partition(".")[0] == "pathlib"


def is_reduced_by_standard_library(kind: type[Any]) -> bool:
    """Tell whether a class of others inherits from Python's own how pickle stores its instances.

    `datetime` and `Counter`, for instance, leave out the attributes of a subclass.
    """
    for name in ("__reduce_ex__", "__reduce__", "__getstate__"):
        definer = next(base for base in kind.__mro__ if name in vars(base))
        if definer not in {object, kind}:
            return definer.__module__.partition(".")[0] in sys.stdlib_module_names
    return False


def members_of(error: BaseException) -> dict[str, Any]:
    """Return the members that a built-in exception has in C, such as the filename of `OSError`."""
    found: dict[str, Any] = {}
    for base in type(error).__mro__:
        for name, member in vars(base).items():
            if name in _OF_EXCEPTIONS or not isinstance(member, _IN_C):
                continue
            try:
                found[name] = cast("Any", member).__get__(error)
            except (AttributeError, TypeError):  # it was never set
                continue
    # Later versions of Python have more members, which are None unless they are set.
    return {name: found[name] for name in sorted(found) if found[name] is not None}


def slots_of(kind: type[Any]) -> dict[str, Any]:
    """Return the slots of a class's instances, by name: those that hold an attribute."""
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        if "__slots__" not in vars(base):
            continue
        for name, member in vars(base).items():
            if isinstance(member, MemberDescriptorType):
                # A base class may have another slot of this name.
                found[name if name not in found else f"{base.__qualname__}.{name}"] = member
    return found


_IN_C: Final = (MemberDescriptorType, GetSetDescriptorType)
