"""Type tests whose results strict type checkers understand, even for a value of type Any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

if TYPE_CHECKING:
    from collections.abc import Callable

# `type`, with a result that strict type checkers know for a value of type Any.
type_of: Final = cast("Callable[[object], type[Any]]", type)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Tell whether `value` is a list, or of a subclass."""
    return isinstance(value, list)


def is_dict(value: Any) -> TypeGuard[dict[Any, Any]]:
    """Tell whether `value` is a dict, or of a subclass."""
    return isinstance(value, dict)


def has_member(kind: type[Any], name: str) -> bool:
    """Tell whether a class has an attribute, without asking for it: mocks would make one."""
    return any(name in vars(base) for base in kind.__mro__)
