"""Replacement of values in nested containers."""

from __future__ import annotations

import collections
import gc
import sys
from copy import copy
from functools import lru_cache
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from prefectx._types import is_dict, type_of
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    import enum
    from collections.abc import Callable, Iterator

_ATOMS: Final[frozenset[type]] = frozenset(
    {type(None), bool, int, float, complex, str, bytes, bytearray, range, slice, type},
)

_SEQUENCES: Final[frozenset[type]] = frozenset({list, tuple, set, frozenset})

DATA: Final = _ATOMS | _SEQUENCES | {dict}
"""Types that are no handles. (Lists of `.map` and annotations are of subclasses.)"""

# Attributes of classes whose objects consist of fields: dataclasses, attrs, both versions of
# pydantic, msgspec.
_RECORDS: Final = (
    "__dataclass_fields__",
    "__attrs_attrs__",
    "__pydantic_fields__",
    "__fields_set__",
    "__struct_fields__",
)
_CONTAINERS: Final[tuple[type[Any], ...]] = (
    *(list, tuple, set, frozenset, dict),
    *(collections.deque, collections.ChainMap, collections.UserDict, collections.UserList),
    *(MappingProxyType, SimpleNamespace),
)
_ITERATED: Final[tuple[type[Any], ...]] = (list, tuple, set, frozenset, collections.deque)
# Slots that hold no data, or data that the copy already has.
_NO_DATA: Final = frozenset({"__dict__", "__weakref__", "__pydantic_fields_set__"})
_UNSET: Final = object()
# Limits of the quick look before the walk, which takes a hundred times as long.
_DEEPEST: Final = 20
_MOST: Final = 2_000_000
_IS_HEAP_TYPE: Final = 1 << 9
_LOOP: Final = "it contains itself"
_OTHER_COPY: Final = "a copy of it does not hold the new parts"


def replace(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """Return `value` with each `x` in it replaced by `leaf(x)`, if that is another object.

    Walks lists, tuples, sets, dicts with their keys, deques, read-only and chained dicts,
    namespaces, and objects of dataclasses, attrs, pydantic and msgspec, with their subclasses, at
    any depth. A container is copied only if something in it changed, so data without handles keeps
    its identity.

    Raises:
        UnsupportedValue: Something changed in a container that cannot be rebuilt.
    """
    if _is_plain(value):
        return value
    walk = _Walk(leaf)
    found = walk.enter(value)
    if not isinstance(found, _OpenContainer):
        return found
    opened = [found]
    while True:
        top = opened[-1]
        if not top.is_done():
            found = walk.enter(top.next())
            if isinstance(found, _OpenContainer):
                opened.append(found)
            else:
                top.new.append(found)
            continue
        result = walk.leave(opened.pop())
        if not opened:
            return result
        opened[-1].new.append(result)


class _OpenContainer:
    """A container whose parts are being walked: its elements, then its attributes."""

    __slots__ = ("_attributes", "_elements", "_old", "contains_itself", "new", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self._elements = _elements(value)
        self._attributes = _attributes(value)
        self._old = [*self._elements, *self._attributes.values()]
        self.new: list[Any] = []
        self.contains_itself = False

    def is_done(self) -> bool:
        return len(self.new) == len(self._old)

    def next(self) -> Any:
        return self._old[len(self.new)]

    def result(self) -> Any:
        """Return the container, or a copy with the new parts if anything changed."""
        if _are_same(self._old, self.new):
            return self.value
        if self.contains_itself:
            raise self._error(_LOOP)
        size = len(self._elements)
        elements = self.new[:size]
        attributes = dict(zip(self._attributes, self.new[size:], strict=True))
        try:
            result = _rebuild(self.value, elements, attributes)
            is_whole = _holds(result, elements, attributes)
        except Exception as error:
            # A user's class may raise anything.
            why = f"{type(error).__name__}: {error}"
            raise self._error(why) from error
        if type_of(result) is not type_of(self.value) or not is_whole:
            raise self._error(_OTHER_COPY)
        return result

    def _error(self, why: str) -> UnsupportedValue:
        changed = next(a for a, b in zip(self._old, self.new, strict=True) if a is not b)
        kind = type_of(self.value)
        msg = (
            f"{changed!r} is in an object of {kind.__module__}.{kind.__qualname__}, which cannot be"
            f" rebuilt with the data in its place ({why}). Use load(…) before you put it there, or"
            " pass it to the task as a separate argument."
        )
        return UnsupportedValue(msg)


class _Walk:
    """One walk. It remembers the values it has seen, so that shared parts stay shared.

    Args:
        leaf: Returns the replacement of a value, or the value itself.
    """

    def __init__(self, leaf: Callable[[Any], Any]) -> None:
        self._leaf = leaf
        # The values are kept alive: otherwise another object may get the same id.
        self._seen: dict[int, tuple[Any, Any]] = {}

    def enter(self, value: Any) -> Any:
        """Return the replacement of a value, or an `_OpenContainer` whose parts come first."""
        if _is_flat(value):
            return value
        if (new := self._leaf(value)) is not value:
            return new
        kind: Any = type_of(value)
        if not is_walked(kind) or _has_flat_dict(kind, value):
            return value
        if id(value) not in self._seen:
            opened = _OpenContainer(value)
            self._seen[id(value)] = (value, opened)
            return opened
        found = self._seen[id(value)][1]
        if isinstance(found, _OpenContainer):
            found.contains_itself = True
            return value
        return found

    def leave(self, opened: _OpenContainer) -> Any:
        """Return the replacement of a container whose parts were walked."""
        result = opened.result()
        self._seen[id(opened.value)] = (opened.value, result)
        return result


def _is_flat(value: Any) -> bool:
    """Tell by a quick check whether `value` holds only numbers and texts, as most arguments do."""
    kind = type_of(value)
    if kind in _SEQUENCES:
        return _ATOMS.issuperset(map(type, value))
    if kind is dict:
        return _ATOMS.issuperset(map(type, value)) and _ATOMS.issuperset(map(type, value.values()))
    return kind in _ATOMS


def _is_plain(value: Any) -> bool:
    """Tell quickly whether `value` holds nothing but data, at all levels; False if it is large."""
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        kinds = set(map(type, level))
        if not DATA.issuperset(kinds):
            return False
        if _ATOMS.issuperset(kinds):
            return True
        nested = [part for part in level if type(part) not in _ATOMS]
        if sum(map(len, nested)) > _MOST:
            return False
        # For these, the garbage collector's referents are the elements: no loop is as quick.
        level = gc.get_referents(*nested)
    return False


def is_container(value: Any) -> bool:
    """Tell whether `value` is a list, tuple, set or dict."""
    return isinstance(value, list | tuple | set | frozenset | dict)


@lru_cache(maxsize=1000)
def is_walked(kind: type[Any]) -> bool:
    """Tell whether objects of a class are walked."""
    return issubclass(kind, _CONTAINERS) or any(hasattr(kind, name) for name in _RECORDS)


def _has_flat_dict(kind: Any, value: Any) -> bool:
    """Tell whether the parts of an object are only numbers and texts in its `__dict__`."""
    return _has_only_dict(kind) and _ATOMS.issuperset(map(type, value.__dict__.values()))


@lru_cache(maxsize=1000)
def _has_only_dict(kind: type[Any]) -> bool:
    """Tell whether all parts of an object of a class are in its `__dict__`."""
    is_of_python = all(base is object or base.__flags__ & _IS_HEAP_TYPE for base in kind.__mro__)
    has_slots = any("__slots__" in vars(base) for base in kind.__mro__)
    return is_of_python and not has_slots and bool(kind.__dictoffset__)


def is_dataclass(value: Any) -> bool:
    """Tell whether `value` is an object of a dataclass, without importing `dataclasses`."""
    return hasattr(type_of(value), "__dataclass_fields__")


def is_enum(value: Any) -> TypeGuard[enum.Enum]:
    """Tell whether `value` is a member of an enumeration."""
    # If the module was never imported, the value cannot be an enum.
    loaded = sys.modules.get("enum")
    return loaded is not None and isinstance(value, loaded.Enum)


def _elements(value: Any) -> list[Any]:
    """Return the elements of a container, without its attributes."""
    if is_dict(value):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, MappingProxyType):
        return [value.copy()]
    if issubclass(type_of(value), _ITERATED):
        return list(value)
    return []


def _attributes(value: Any) -> dict[str, Any]:
    """Return an object's attributes, including slots, without those that its class computes."""
    kind = type_of(value)
    if kind in _SEQUENCES or kind is dict:
        return {}
    names = dict.fromkeys(getattr(value, "__dict__", {}))
    for owner in kind.__mro__:
        slots = owner.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            is_private = name.startswith("__") and not name.endswith("__")
            names[f"_{owner.__name__.lstrip('_')}{name}" if is_private else name] = None
    names.update(dict.fromkeys(getattr(kind, "__struct_fields__", ())))
    # Read from the dict if possible: pydantic warns about access to a deprecated field.
    own = getattr(value, "__dict__", {})
    found = {
        name: own[name] if name in own else getattr(value, name, _UNSET)
        for name in names
        if name not in _NO_DATA
    }
    return {name: part for name, part in found.items() if part is not _UNSET}


def _rebuild(value: Any, elements: list[Any], attributes: dict[str, Any]) -> Any:
    """Return a copy of a container with other parts."""
    result = _with_elements(value, elements) if elements else copy(value)
    own = getattr(value, "__dict__", {})
    if own and result.__dict__ is own:
        # Some copies share their dict with the original.
        object.__setattr__(result, "__dict__", {})
    for name, part in attributes.items():
        if name in own:
            result.__dict__[name] = part
        else:
            object.__setattr__(result, name, part)
    return result


def _with_elements(value: Any, new: list[Any]) -> Any:
    """Return a container of the same type as `value` with these elements."""
    kind = type_of(value)
    if kind is MappingProxyType:
        return MappingProxyType(new[0])
    if hasattr(kind, "rewrap"):
        # Prefect's annotations are tuples of one element.
        return value.rewrap(new[0])
    if issubclass(kind, tuple | frozenset):
        # The subclass's constructor may take other arguments.
        base: Any = tuple if issubclass(kind, tuple) else frozenset
        return base.__new__(kind, new)
    result: Any = copy(value)
    result.clear()
    if issubclass(kind, dict):
        for key, element in _pairs(new):
            result[key] = element
    elif issubclass(kind, set):
        result.update(new)
    else:
        result.extend(new)
    return result


def _pairs(parts: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(parts[::2], parts[1::2], strict=True)


def _holds(result: Any, elements: list[Any], attributes: dict[str, Any]) -> bool:
    """Tell whether a rebuilt container holds exactly these parts."""
    if is_dict(result):
        # Equal keys are merged.
        expected = [part for pair in dict(_pairs(elements)).items() for part in pair]
    elif issubclass(type_of(result), set | frozenset):
        if len(result) != len(set(elements)):
            return False
        expected = list(result)
    elif isinstance(result, MappingProxyType):
        # Its content can only be copied, so there is nothing to compare.
        return True
    else:
        expected = elements
    found = _attributes(result)
    old = [*expected, *attributes.values()]
    new = [*_elements(result), *(found.get(name, _UNSET) for name in attributes)]
    return len(old) == len(new) and all(map(_is_same, old, new))


def _is_same(old: Any, new: Any) -> bool:
    # A dict may copy its keys.
    kind = type_of(old)
    return old is new or (kind in _ATOMS and kind is type_of(new) and bool(old == new))


def _are_same(old: list[Any], new: list[Any]) -> bool:
    return len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))
