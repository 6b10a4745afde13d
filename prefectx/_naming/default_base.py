"""The default `{base}`: a short readable name made from a call's arguments."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

from xxhash import xxh3_128_hexdigest

from prefectx._identity.call_identity import CallIdentity
from prefectx._identity.exact_text import foreign_folders
from prefectx._naming.safe_names import PLAIN, why_unsafe_on_windows
from prefectx._types import type_of
from prefectx._values.containers import is_enum
from prefectx._values.item import Item, is_item
from prefectx.errors import UnsupportedValue
from prefectx.stores.formats import suffix_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prefectx.stores.base import Store

_LONGEST: Final = 60
_LONGEST_VALUE: Final = 24
_LONGEST_INT: Final = 60
_ELEMENTS: Final = 3
_DEPTH: Final = 3
_SHORT: Final = (type(None), bool, int, float)
_LITERALS: Final = frozenset({type(None), bool, int, float})
_ODD: Final = r"[^a-zA-Z0-9_.,+=@-]+"
# Characters that _ODD surely does not match.
_PLAIN: Final = PLAIN - {"~", " "}
_CONSTANTS: Final = frozenset({"true", "false", "none"})

NO_ARGUMENTS: Final = "_"


def default_base(
    arguments: Mapping[str, Any],
    defaults: Mapping[str, Any],
    owner: str,
    around: tuple[str, str] | None = None,
    identity: CallIdentity | None = None,
) -> str:
    """Return a name of at most 80 characters, distinct for distinct arguments.

    Args:
        arguments: The call's arguments, defaults applied.
        defaults: The defaults; for `*args` and `**kwargs` they are empty. An argument that equals
            its default is left out of the readable part.
        owner: The qualified name of a method, whose first argument is its object or class; "" for
            a function.
        around: The start and the end that all of the task's targets have.
        identity: The call's identity, if it is there: then nothing is hashed twice.

    Returns:
        The arguments as text if no other call of the task could have the same name: `report-7`,
        `7`. Otherwise a readable part, `~` and a hash of all arguments' contents, as in
        `a.pdf-3~1f3c9a2b`. A task whose one argument is an `Item` uses that item's base.

    Raises:
        UnsupportedValue: An argument has no value that could be hashed.
    """
    explicit = _explicit(arguments, defaults)
    if not explicit:
        return NO_ARGUMENTS
    if (item := _item_with_base(explicit, defaults, around)) is not None:
        return item.base
    readable = [_readable(value) for _, value in explicit[bool(owner) :]]
    text = shown = "-".join(text for text, _ in readable)
    if len(text) > _LONGEST:
        shown = "-".join(text[:_LONGEST_VALUE] for text, _ in readable)[:_LONGEST]
    name = _replace_odd(shown).lstrip(".-") or NO_ARGUMENTS
    is_whole = not owner and name == text and all(says_all for _, says_all in readable)
    if is_whole and _is_clear(text, [key for key, _ in explicit], list(arguments)):
        return name
    found = _hash(identity or CallIdentity("", arguments), owner)
    return f"{name}~{found[: 8 if is_whole else 16]}"


def base_from(
    arguments: Mapping[str, Any],
    defaults: Mapping[str, Any],
    around: tuple[str, str] | None,
    store: Store,
) -> str:
    """Return the location of the Item whose base `default_base` uses; "" if it uses none.

    Args:
        arguments: The call's arguments, defaults applied.
        defaults: The defaults.
        around: The start and the end that all of the task's targets have.
        store: The store of the task's outputs.

    Returns:
        The Item's target, with `{base}` in place of its base, after its store's label.
    """
    if not any(map(is_item, arguments.values())):
        return ""
    item = _item_with_base(_explicit(arguments, defaults), defaults, around)
    if item is None:
        return ""
    before, base, after = item.target.rpartition(item.base)
    target = f"{before}{{base}}{after}" if base else after
    return "".join([*foreign_folders([item], store), item.store.label(), target])


def _explicit(arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the arguments that differ from their defaults."""
    return [
        (key, value)
        for key, value in arguments.items()
        if key not in defaults or not _is_default(value, defaults[key])
    ]


def _is_clear(text: str, explicit: Sequence[str], parameters: Sequence[str]) -> bool:
    """Tell whether a text of full arguments shows which arguments they are, and where each ends.

    Args:
        text: The arguments, joined.
        explicit: The names of the arguments in the text.
        parameters: The names of all parameters, in order.
    """
    if explicit != parameters[: len(explicit)]:
        return False
    dashes = text.count("-")
    if len(explicit) > 1:
        return dashes == len(explicit) - 1
    # With fewer parameters than dashes, it cannot be several arguments.
    return dashes == 0 or dashes >= len(parameters)


def _replace_odd(text: str) -> str:
    """Return the text with `_` in place of characters that names should not have."""
    if _PLAIN.issuperset(text):
        return text
    import re

    return re.sub(_ODD, "_", text)


def _item_with_base(
    explicit: list[tuple[str, Any]], defaults: Mapping[str, Any], around: tuple[str, str] | None
) -> Item[Any] | None:
    """Return the only argument if it is an Item whose base can be used, else None."""
    if len(explicit) != 1:
        return None
    ((key, value),) = explicit
    # With two optional arguments the name would be ambiguous.
    if key in defaults or not is_item(value) or not value.has_explicit_base:
        return None
    start, end = around or (value.target, "/")
    if value.target.startswith(start) and value.target.endswith(end):
        # The Item is an output of this task: it would be its own input.
        return None
    return None if not value.base or _looks_like_literal(value.base) else value


def _hash(identity: CallIdentity, owner: str) -> str:
    # A method that overrides another one may call it with the same arguments.
    before = f"{owner}\0".encode() if owner else b""
    if identity.exact is not None:
        return xxh3_128_hexdigest(before + identity.exact.encode("utf-8", "surrogatepass"))
    try:
        return xxh3_128_hexdigest(before + identity.digest())
    except UnsupportedValue as error:
        msg = (
            f"no default name can be made: {error}. Give the task a target with every argument"
            " that differs between its calls, set base, or use target=None."
        )
        raise UnsupportedValue(msg) from None


def _is_default(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if type(value) is not type(default):
        return False
    if type(value) in (bool, int, str):
        return bool(value == default)
    if hasattr(value, "__len__") and len(value) != len(default):
        return False
    identity, other = CallIdentity("", {"": value}), CallIdentity("", {"": default})
    try:
        return identity.claim() == other.claim()
    except UnsupportedValue:
        return False


def _readable(value: Any, depth: int = _DEPTH) -> tuple[str, bool]:
    """Return a short text of a value, and whether only this value has it."""
    kind = type_of(value)
    if kind is int:
        is_short = value.bit_length() <= _LONGEST_INT
        return str(value) if is_short else f"int{value.bit_length()}", is_short
    if kind in _LITERALS:
        return repr(value), True
    if kind is str:
        text = _file_name(value)
        return text, text == value and not _looks_like_other(text)
    return _brief(value, depth), False


def _looks_like_other(text: str) -> bool:
    """Tell whether a text may be that of another value, or is no valid name on some system."""
    # On a file system that ignores case, "A" is "a".
    is_folded = text != text.lower() or why_unsafe_on_windows(text) is not None
    return is_folded or text == NO_ARGUMENTS or _looks_like_literal(text)


def _looks_like_literal(text: str) -> bool:
    """Tell whether a text is that of a number, True, False or None, in any case."""
    try:
        float(text)
    except ValueError:
        return text.lower() in _CONSTANTS
    return True


def _file_name(text: str) -> str:
    """Return the last part of a path, without a suffix that would pick the output's format."""
    name = text.rpartition("/")[2]
    return name.removesuffix(suffix_of(name)) or name


def _brief(value: Any, depth: int) -> str:  # noqa: PLR0911 - one for each kind
    if is_enum(value):
        return str(value.name)[:_LONGEST_VALUE]
    if is_item(value):
        return _item_name(value)
    if isinstance(value, str):
        return _file_name(value)[:_LONGEST_VALUE]
    if _is_short(value):
        return str(value)[:_LONGEST_VALUE]
    if isinstance(value, os.PathLike):
        return _file_name(os.fspath(cast("os.PathLike[str]", value)))[:_LONGEST_VALUE]
    if depth and _is_sequence(value) and len(value) <= _ELEMENTS:
        elements = [_readable(element, depth - 1)[0] for element in value]
        return "-".join(elements)[:_LONGEST_VALUE]
    shape: tuple[Any, ...] | None = getattr(value, "shape", None)
    size = "x".join(map(str, shape)) if isinstance(shape, tuple) else _length(value)
    return f"{type(value).__name__}{size}"


def _is_short(value: Any) -> bool:
    if isinstance(value, _SHORT):
        return True
    # If the module was never imported, the value cannot be a date.
    datetime = sys.modules.get("datetime")
    return datetime is not None and isinstance(value, datetime.date | datetime.time)


def _is_sequence(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, tuple | list)


def _item_name(item: Item[Any]) -> str:
    name = item.base or item.target.rpartition("/")[2]
    return name.partition("~")[0][:_LONGEST_VALUE]


def _length(value: Any) -> str:
    return str(len(value)) if hasattr(type_of(value), "__len__") else ""
