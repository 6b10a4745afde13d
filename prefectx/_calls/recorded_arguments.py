"""Arguments in a call's record: small ones in full, Items by target, large ones shortened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.short_text import short_text
from prefectx._types import type_of
from prefectx._values.containers import replace
from prefectx._values.item import Item, is_item

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prefectx._identity.call_identity import CallIdentity

LONGEST: Final = 2_000
"""The maximal number of bytes for one argument in an output's record."""

LONGEST_OF_FAILURE: Final = 256_000
"""The same for a failed call, which is to be debugged."""

_LITERALS: Final = frozenset({type(None), bool, int, str, bytes})
_LONGEST_LITERAL: Final = 500


class NotRecorded(Exception):
    """An argument is not in the record: it is too large, or cannot be pickled."""


def describe_arguments(
    arguments: Mapping[str, Any], longest: int = LONGEST, identity: CallIdentity | None = None
) -> dict[str, Any]:
    """Return a call's arguments in the form that its record has.

    Each is the text of a Python literal, or a dict: with `target` and `root` for an Item, with
    `pickle` for other small values, and with `text` and `fingerprint` for the rest.

    Args:
        arguments: The arguments by name.
        longest: The maximal size of a pickled argument, in bytes.
        identity: The call's identity, if it is there: then nothing is hashed twice.
    """
    described = {name: _describe(value, longest) for name, value in arguments.items()}
    large = [name for name, found in described.items() if found is None]
    if large:
        from prefectx._identity.call_identity import CallIdentity

        digests = (identity or CallIdentity("", arguments)).digests
        described |= {name: _fingerprint(arguments[name], digests[name]) for name in large}
    return described


def _describe(value: Any, longest: int) -> Any:
    """Return an argument in the form that the record has; None if it is too large."""
    kind = type_of(value)
    if kind in _LITERALS or kind is float:
        text = repr(value)
        # There are no literals for nan and inf.
        if len(text) <= _LONGEST_LITERAL and text not in {"nan", "inf", "-inf"}:
            return text
    if kind is Item:
        return {"target": value.target, "root": value.store.path("")}
    return _pickle(value, longest)


_SIZED: Final = frozenset({str, bytes, list, dict, tuple, set})


def _pickle(value: Any, longest: int) -> dict[str, Any] | None:
    size = getattr(value, "nbytes", None)
    if isinstance(size, int) and size > longest:
        return None
    if type_of(value) in _SIZED and len(value) > longest:
        return None
    import base64
    import pickle

    try:
        content = pickle.dumps(value, 5)
    except Exception:  # noqa: BLE001 - pickling runs code of the value's class
        return {"text": short_text(value)}
    if len(content) > longest:
        return None
    return {"text": short_text(value), "pickle": base64.b64encode(content).decode()}


def _fingerprint(value: Any, digest: bytes | None) -> dict[str, str]:
    text = {"text": short_text(value)}
    return text if digest is None else {**text, "fingerprint": digest.hex()}


def items_in(arguments: Mapping[str, Any]) -> list[str]:
    """Return the targets of the Items among a call's arguments, at any depth."""
    found: list[str] = []

    def look(value: Any) -> Any:
        if is_item(value):
            found.append(value.target)
        return value

    replace(dict(arguments), look)
    return found


def restore(described: Mapping[str, Any], *, is_trusted: bool) -> dict[str, Any]:
    """Return the arguments that a record holds.

    Args:
        described: The result of `describe_arguments`.
        is_trusted: Whether nobody else can have written the record: reading a pickle runs code.

    Raises:
        NotRecorded: An argument was too large, or is not read because others may have written it.
    """
    return {
        name: _restore_one(name, value, is_trusted=is_trusted) for name, value in described.items()
    }


def _restore_one(name: str, value: Any, *, is_trusted: bool) -> Any:
    if isinstance(value, str):
        return _read_argument(name, _literal, value)
    if "target" in value:
        from prefectx.stores import Filestore

        item: Item[Any] = Item(Filestore(value["root"]), value["target"])
        return item
    if "pickle" in value and is_trusted:
        return _read_argument(name, _unpickled, value["pickle"])
    why = "was not recorded, because it is too large or cannot be pickled"
    if "pickle" in value:
        why = "was not read, because others may have written the journal: see SECURITY.md"
    msg = f"argument {name!r} {why}: {value['text']}"
    raise NotRecorded(msg)


def _read_argument(name: str, read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except Exception as error:
        msg = f"argument {name!r} cannot be read from the record: {type(error).__name__}: {error}"
        raise NotRecorded(msg) from error


def _literal(text: str) -> Any:
    import ast

    return ast.literal_eval(text)


def _unpickled(text: str) -> Any:
    import base64
    import pickle

    return pickle.loads(base64.b64decode(text))


def text_of(value: Any) -> str:
    """Return a recorded argument as text for people."""
    if isinstance(value, str):
        return value
    return f"Item({value['target']!r})" if "target" in value else str(value["text"])


def shape_of(value: Any) -> dict[str, Any] | None:
    """Return rows, columns and types of a table, shape and type of an array, or None."""
    shape: Any = getattr(value, "shape", None)
    if type_of(shape) is not tuple:
        return None
    columns, dtypes = getattr(value, "columns", None), getattr(value, "dtypes", None)
    if columns is None or dtypes is None:
        return {"shape": list(map(int, shape)), "dtype": str(getattr(value, "dtype", ""))}
    names = list(map(str, columns))[:_MOST_COLUMNS]
    kinds = list(map(str, dtypes))[:_MOST_COLUMNS]
    return {
        "rows": int(shape[0]),
        "columns": int(shape[1]),
        "dtypes": dict(zip(names, kinds, strict=True)),
    }


_MOST_COLUMNS: Final = 30
