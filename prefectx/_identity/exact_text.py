"""The exact text of small literals and Items: the quickest identity of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefectx._values.item import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST: Final = 250


class _TooLong(Exception):
    """A text is too long to be kept for each call."""


def exact_text(arguments: Mapping[str, Any]) -> str | None:
    """Return `x=1, y='a'` if all arguments are small literals or Items; else None."""
    try:
        return ", ".join(
            [f"{name}={_TEXTS[type(value)](value)}" for name, value in arguments.items()]
        )
    except (KeyError, ValueError, _TooLong):
        # Python raises a ValueError for integers with thousands of digits.
        return None


def _text(value: str | bytes) -> str:
    if len(value) <= _LONGEST:
        return repr(value)
    raise _TooLong


# Exact types: a subclass may hold more than its text.
_TEXTS: Final[dict[type, Callable[[Any], str]]] = {
    type(None): repr,
    bool: repr,
    float: repr,
    complex: repr,
    int: repr,
    str: _text,
    bytes: _text,
    Item: repr,
}
