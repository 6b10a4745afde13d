"""Plain arguments: small values without futures in them, told apart by a text at next to no cost.

Most calls have no others: numbers, names, paths, the Items of other tasks. For them a task's
compiled template gives the target and this text in one go, and nothing else of the call need be
looked at. All other calls go the long way, and so do those that the text would be too long for.
"""

from __future__ import annotations

import sys

from prefectx._values.item import Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final, NoReturn

_LONGEST: Final = 250

_SAMPLES: Final = 1000

SAMPLED: Final = "<ndarray "
"""What the text of a value starts with that was not read whole."""


class NotPlain(Exception):
    """An argument is not plain."""


def not_plain(*_args: object, **_kwargs: object) -> NoReturn:
    """Say that a call is not plain, whatever its arguments are."""
    raise NotPlain


def _told_text(value: str | bytes) -> str:
    if len(value) <= _LONGEST:
        return repr(value)
    raise NotPlain


def _told_array(value: Any) -> str:
    """Return a text of bounded length at bounded cost: type, shape, both ends and the middle."""
    dtype, size = value.dtype, value.size
    # Of small ones the whole is looked at, on the long way.
    if size < _SAMPLES or dtype.hasobject or dtype.names is not None:
        raise NotPlain
    first, middle, last = value.item(0), value.item(size >> 1), value.item(-1)
    if first != first or middle != middle or last != last:  # noqa: PLR0124
        # Each NaN has another hash.
        raise NotPlain
    return f"{SAMPLED}{hash((value.shape, dtype, first, middle, last))}>"


def _told_item(value: Any) -> str:
    return repr(value)


class _Told(dict[type, "Callable[[Any], str]"]):
    """By type, what gives the text of a plain value; found out when a type is first seen."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        numpy = sys.modules.get("numpy")
        if numpy is None or kind is not numpy.ndarray:
            raise NotPlain
        self[kind] = _told_array
        return _told_array


TOLD: Final = _Told(
    {
        type(None): repr,
        bool: repr,
        float: repr,
        complex: repr,
        # Python refuses those of thousands of digits: they are not plain either.
        int: repr,
        str: _told_text,
        bytes: _told_text,
    }
)
"""Of the arguments that a template names itself: an Item would have to be loaded for it."""


TOLD_WITH_ITEMS: Final = _Told(TOLD | {Item: _told_item})
"""The same for arguments that no template looks into: Items are plain there."""


def told(arguments: Mapping[str, Any]) -> str | None:
    """Return a text that says all of the arguments, or None if they are not plain or too long."""
    try:
        text = ", ".join(
            [f"{name}={TOLD_WITH_ITEMS[type(value)](value)}" for name, value in arguments.items()]
        )
    except (NotPlain, ValueError):
        return None
    return None if SAMPLED in text else text
