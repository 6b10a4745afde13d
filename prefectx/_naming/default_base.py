"""`base`: a short readable name made from a call's arguments."""

from __future__ import annotations

import os
import sys
from typing import cast

from xxhash import xxh3_128_hexdigest

from prefectx._identity.exact_text import told
from prefectx._naming.safe_names import PLAIN
from prefectx._values.containers import is_enum, type_of
from prefectx._values.item import Item, is_item
from prefectx.errors import UnsupportedValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, TypeGuard

_LONGEST: Final = 60
_LONGEST_VALUE: Final = 24
_LONGEST_INT: Final = 60
_ELEMENTS: Final = 3
_DEPTH: Final = 3
_SHORT: Final = (type(None), bool, int, float)
_ODD: Final = r"[^a-zA-Z0-9_.,+=@-]+"
# What surely is not odd.
_PLAIN: Final = PLAIN - {"~", " "}

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
        (key, value)
        for key, value in arguments.items()
        if key not in defaults or not _is_default(value, defaults[key])
    ]
    if len(told) == 1 and (name := _given_name(*told[0], defaults)):
        return name
    texts: list[str] = []
    is_exact = not owner
    for _, value in told[bool(owner) :]:
        text, says_all = _readable(value)
        texts.append(text)
        is_exact = is_exact and says_all
    text = "-".join(texts)
    name = _without_odd(text)[:_LONGEST].lstrip(".-") or NO_ARGUMENTS
    # A method that overrides another one may call it with the same arguments.
    whole = {"": owner, **arguments} if owner else arguments
    return f"{name}~{_hash(whole)[: 8 if is_exact and name == text else 16]}"


def _without_odd(text: str) -> str:
    """Return the text with `_` for what is not to be part of a name."""
    if _PLAIN.issuperset(text):
        return text
    import re

    return re.sub(_ODD, "_", text)


def _given_name(key: str, value: Any, defaults: Mapping[str, Any]) -> str:
    """Return the name that the one argument passes on, or nothing."""
    # Of two arguments that may be left out, the name would not say which was given.
    return value.base if key not in defaults and is_item(value) and value.has_given_base else ""


def _hash(arguments: Mapping[str, Any]) -> str:
    if (text := told(arguments)) is not None:
        return xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))
    from prefectx._identity.content_hash import digest

    try:
        return digest(dict(arguments)).hex()
    except UnsupportedValue as error:
        for key, value in arguments.items():
            _blame(key, value, error)
        raise


def _blame(key: str, value: Any, error: UnsupportedValue) -> None:
    from prefectx._identity.content_hash import digest

    try:
        digest(value)
    except UnsupportedValue:
        msg = (
            f"no name can be made from the argument {key!r}: {error} Give the task a target that"
            " names what tells its calls apart, set base, or use target=None."
        )
        raise UnsupportedValue(msg) from None


def _is_default(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if type(value) is not type(default):
        return False
    if type(value) in (tuple, dict):
        return not value and not default
    return type(value) in (bool, int, str) and bool(value == default)


def _readable(value: Any, depth: int = _DEPTH) -> tuple[str, bool]:
    """Return a short text of a value, and whether it says all of it."""
    kind = type_of(value)
    if kind is str:
        text = value.rpartition("/")[2][:_LONGEST_VALUE]
        return text, text == value
    if kind is int:
        is_short = value.bit_length() <= _LONGEST_INT
        return str(value) if is_short else f"int{value.bit_length()}", is_short
    text = _brief(value, depth)
    can_say_all = _is_text(value) or _is_short(value)
    return text, can_say_all and text == str(value)


def _brief(value: Any, depth: int) -> str:  # noqa: PLR0911 - one for each kind
    if is_enum(value):
        return str(value.name)[:_LONGEST_VALUE]
    if is_item(value):
        return _item_name(value)
    if isinstance(value, str):
        return value.rpartition("/")[2][:_LONGEST_VALUE]
    if _is_short(value):
        return str(value)[:_LONGEST_VALUE]
    if isinstance(value, os.PathLike):
        return os.path.basename(cast("os.PathLike[str]", value))[:_LONGEST_VALUE]
    if depth and _is_sequence(value) and len(value) <= _ELEMENTS:
        elements = [_readable(element, depth - 1)[0] for element in value]
        return "-".join(elements)[:_LONGEST_VALUE]
    shape: tuple[Any, ...] | None = getattr(value, "shape", None)
    size = "x".join(map(str, shape)) if isinstance(shape, tuple) else _length(value)
    return f"{type(value).__name__}{size}"


def _is_short(value: Any) -> bool:
    if isinstance(value, _SHORT):
        return True
    # Where it was never imported, nothing can be a date.
    datetime = sys.modules.get("datetime")
    return datetime is not None and isinstance(value, datetime.date | datetime.time)


def _is_text(value: Any) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(value, str | os.PathLike)


def _is_sequence(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, tuple | list)


def _item_name(item: Item[Any]) -> str:
    name = item.base or item.target.rpartition("/")[2]
    return name.partition("~")[0][:_LONGEST_VALUE]


def _length(value: Any) -> str:
    return str(len(value)) if hasattr(type_of(value), "__len__") else ""
