"""`base`: a short readable name made from a call's arguments."""

from __future__ import annotations

import datetime
import enum
import os
import re
from collections.abc import Mapping, Sequence, Sized
from typing import Any, Final, TypeGuard, cast

from prefectx.digest import digest
from prefectx.errors import UnsupportedValue
from prefectx.item import Item, is_item

_LONGEST: Final = 60
_LONGEST_VALUE: Final = 24
_LONGEST_INT: Final = 60
_ELEMENTS: Final = 3
_DEPTH: Final = 3
_SHORT: Final = (type(None), bool, int, float, datetime.date, datetime.time)
_ODD: Final = re.compile(r"[^\w.,+=@-]+", re.ASCII)

NO_ARGUMENTS: Final = "_"


def made_base(arguments: Mapping[str, Any], defaults: Mapping[str, Any], owner: str) -> str:
    """Return a name of at most 80 characters, distinct for distinct arguments.

    Args:
        arguments: The call's arguments, defaults applied.
        defaults: The defaults, nothing for `*args` and `**kwargs`: an argument that is its default
            is left out of the readable part.
        owner: The qualified name of a method, whose first argument is its object or class; of a
            function, nothing.

    Returns:
        The readable part, `~` and a hash of the arguments' contents, as in `a.pdf-3~1f3c9a2b`;
        a task whose one argument is an `Item` with a name given by a person takes over that name.

    Raises:
        UnsupportedValue: An argument cannot be told apart from others.
    """
    if not arguments:
        return NO_ARGUMENTS
    told = [
        (key, value) for key, value in arguments.items() if not _is_default(key, value, defaults)
    ]
    if len(told) == 1 and (name := _given_name(*told[0], defaults)):
        return name
    texts = [_readable(value) for _, value in told[bool(owner) :]]
    exact = not owner and all(
        _says_all(text, value) for text, (_, value) in zip(texts, told, strict=True)
    )
    text = "-".join(texts)
    name = _ODD.sub("_", text)[:_LONGEST].lstrip(".-") or NO_ARGUMENTS
    digits = 8 if exact and name == text else 16
    # A method that overrides another one may call it with the same arguments.
    whole = {"": owner, **arguments} if owner else arguments
    return f"{name}~{_hash(whole)[:digits]}"


def _given_name(key: str, value: Any, defaults: Mapping[str, Any]) -> str:
    """Return the name that the one argument passes on, or nothing."""
    # Of two arguments that may be left out, the name would not say which was given.
    return value.base if key not in defaults and is_item(value) and value.has_given_base else ""


def _hash(arguments: Mapping[str, Any]) -> str:
    try:
        return digest(dict(arguments)).hex()
    except UnsupportedValue as error:
        for key, value in arguments.items():
            _blame(key, value, error)
        raise


def _blame(key: str, value: Any, error: UnsupportedValue) -> None:
    try:
        digest(value)
    except UnsupportedValue:
        msg = (
            f"no name can be made from the argument {key!r}: {error} Give the task a target that"
            " names what tells its calls apart, set base, or use target=None."
        )
        raise UnsupportedValue(msg) from None


def _is_default(key: str, value: Any, defaults: Mapping[str, Any]) -> bool:
    if key not in defaults:
        return False
    default = defaults[key]
    if value is default:
        return True
    if type(value) is not type(default):
        return False
    if type(value) in (tuple, dict):
        return not value and not default
    return type(value) in (bool, int, str) and bool(value == default)


def _says_all(text: str, value: Any) -> bool:
    if type(value) is int and value.bit_length() > _LONGEST_INT:
        return False
    return (isinstance(value, _SHORT) or _is_text(value)) and text == str(value)


def _is_text(value: Any) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(value, str | os.PathLike)


def _readable(value: Any, depth: int = _DEPTH) -> str:  # noqa: PLR0911 - one for each kind
    if isinstance(value, enum.Enum):
        return str(value.name)[:_LONGEST_VALUE]
    if is_item(value):
        return _item_name(value)
    if isinstance(value, str):
        return value.rpartition("/")[2][:_LONGEST_VALUE]
    if isinstance(value, os.PathLike):
        return os.path.basename(cast("os.PathLike[str]", value))[:_LONGEST_VALUE]
    if type(value) is int and value.bit_length() > _LONGEST_INT:
        return f"int{value.bit_length()}"
    if isinstance(value, _SHORT):
        return str(value)[:_LONGEST_VALUE]
    if depth and _is_sequence(value) and len(value) <= _ELEMENTS:
        return "-".join(_readable(element, depth - 1) for element in value)[:_LONGEST_VALUE]
    shape: tuple[Any, ...] | None = getattr(value, "shape", None)
    size = "x".join(map(str, shape)) if isinstance(shape, tuple) else _length(value)
    return f"{type(value).__name__}{size}"


def _is_sequence(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, tuple | list)


def _item_name(item: Item[Any]) -> str:
    name = item.base or item.target.rpartition("/")[2]
    return name.partition("~")[0][:_LONGEST_VALUE]


def _length(value: Any) -> str:
    return str(len(value)) if isinstance(value, Sized) else ""
