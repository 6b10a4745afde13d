"""Walking nested containers and replacing what is found in them."""

from __future__ import annotations

import sys
from typing import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    import enum
    from collections.abc import Callable
    from typing import Any, Final, TypeGuard

_ATOMS: Final[frozenset[type]] = frozenset(
    {type(None), bool, int, float, complex, str, bytes, bytearray, range, slice, type},
)

_SEQUENCES: Final[frozenset[type]] = frozenset({list, tuple, set, frozenset})

DATA: Final = _ATOMS | _SEQUENCES | {dict}
"""Types that no handle has: those of `.map` and of annotations are subclasses."""

# `type`, but what is Any has a known type for strict checkers.
type_of: Final = cast("Callable[[object], type[Any]]", type)


def replace(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """Return `value` with `leaf(x)` in place of each `x` in it for which that is another object.

    Walks lists, tuples, sets, dicts (keys too) and dataclasses, as Prefect does. A container is
    copied only if something in it changed, so data without handles keeps its identity.
    """
    return _walk(value, leaf, {})


def _walk(value: Any, leaf: Callable[[Any], Any], seen: dict[int, Any]) -> Any:
    if _is_flat(value):
        return value
    if (new := leaf(value)) is not value:
        return new
    if not _is_walked(value):
        return value
    if id(value) in seen:
        return seen[id(value)]
    seen[id(value)] = value
    seen[id(value)] = result = _rebuilt(value, leaf, seen)
    return result


def _is_flat(value: Any) -> bool:
    """Tell whether `value` is seen at once to hold only numbers and texts, as arguments mostly."""
    kind = type_of(value)
    if kind in _SEQUENCES:
        return _ATOMS.issuperset(map(type, value))
    if kind is dict:
        return _ATOMS.issuperset(map(type, value)) and _ATOMS.issuperset(map(type, value.values()))
    return kind in _ATOMS


def is_container(value: Any) -> bool:
    """Tell whether `value` is a list, tuple, set or dict."""
    return isinstance(value, list | tuple | set | frozenset | dict)


def _is_walked(value: Any) -> bool:
    if is_container(value):
        return True
    return is_dataclass(value)


def is_dataclass(value: Any) -> bool:
    """Tell whether `value` is an object of a dataclass; `dataclasses` would have to be imported."""
    return hasattr(type_of(value), "__dataclass_fields__")


def is_enum(value: Any) -> TypeGuard[enum.Enum]:
    """Tell whether `value` is a member of an enumeration."""
    # Where it was never imported, nothing can be.
    loaded = sys.modules.get("enum")
    return loaded is not None and isinstance(value, loaded.Enum)


def is_dict(value: Any) -> TypeGuard[dict[Any, Any]]:
    """Tell whether `value` is a dict, of a subclass too."""
    return isinstance(value, dict)


def _rebuilt(value: Any, leaf: Callable[[Any], Any], seen: dict[int, Any]) -> Any:
    if is_dict(value):
        return _rebuilt_dict(value, leaf, seen)
    if is_dataclass(value):
        return _rebuilt_dataclass(value, leaf, seen)
    old = list(value)
    new = [_walk(element, leaf, seen) for element in old]
    if all(a is b for a, b in zip(old, new, strict=True)):
        return value
    return _refilled(value, new)


def _refilled(value: Any, new: list[Any]) -> Any:
    """Return a container of the kind of `value` with these elements."""
    kind = type_of(value)
    if hasattr(kind, "rewrap"):
        # Prefect's annotations are tuples of one element.
        return value.rewrap(new[0])
    if hasattr(kind, "_make"):
        return kind._make(new)
    if not issubclass(kind, list):
        return kind(new)
    from copy import copy

    result = copy(value)
    result[:] = new
    return result


def _rebuilt_dict(
    value: dict[Any, Any],
    leaf: Callable[[Any], Any],
    seen: dict[int, Any],
) -> dict[Any, Any]:
    new = [(_walk(key, leaf, seen), _walk(item, leaf, seen)) for key, item in value.items()]
    if all(a is c and b is d for (a, b), (c, d) in zip(value.items(), new, strict=True)):
        return value
    from copy import copy

    result = copy(value)
    result.clear()
    for key, element in new:
        result[key] = element
    return result


def _rebuilt_dataclass(value: Any, leaf: Callable[[Any], Any], seen: dict[int, Any]) -> Any:
    import dataclasses

    old = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    new = {name: _walk(element, leaf, seen) for name, element in old.items()}
    changed = {name: element for name, element in new.items() if element is not old[name]}
    if not changed:
        return value
    from copy import copy

    result = copy(value)
    for name, element in changed.items():
        object.__setattr__(result, name, element)
    return result
