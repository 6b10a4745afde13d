"""Tests of types whose results strict type checkers know, also where a value is Any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

if TYPE_CHECKING:
    from collections.abc import Callable

# `type`, but what is Any has a known type for strict checkers.
type_of: Final = cast("Callable[[object], type[Any]]", type)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Tell whether `value` is a list, of a subclass too."""
    return isinstance(value, list)


def is_dict(value: Any) -> TypeGuard[dict[Any, Any]]:
    """Tell whether `value` is a dict, of a subclass too."""
    return isinstance(value, dict)
