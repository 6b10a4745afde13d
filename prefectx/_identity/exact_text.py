"""The exact text of small literals and Items: the quickest identity of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefectx._settings.start_folder import start_folder_here
from prefectx._types import type_of
from prefectx._values.item import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prefectx.stores.base import Store

_LONGEST: Final = 250


class _TooLong(Exception):
    """A text is too long to be kept for each call."""


def exact_text(arguments: Mapping[str, Any], store: Store | None = None) -> str | None:
    """Return `x=1, y='a'` if all arguments are small literals or Items; else None.

    Args:
        arguments: The arguments by name.
        store: The store of the task's outputs: it says what folder Items are thought to be in.
    """
    texts: list[str] = []
    items: list[Item[Any]] = []
    try:
        for name, value in arguments.items():
            kind = type_of(value)
            texts.append(f"{name}={_TEXTS[kind](value)}")
            if kind is Item:
                items.append(value)
        if items and store is not None:
            texts += map(repr, foreign_folders(items, store))
        return ", ".join(texts)
    except (KeyError, ValueError, _TooLong):
        # Python raises a ValueError for integers with thousands of digits.
        return None


def foreign_folders(items: Iterable[Item[Any]], store: Store) -> list[str]:
    """Return the folders that make Items other Items than their labels and targets say.

    A label such as `data/` is relative: to the current folder, or to a project's root. Mostly this
    is also that of the task's own store, and project and outputs may move together. Otherwise two
    files may have one label and target.

    Args:
        items: The Items.
        store: The store of the task's outputs.
    """
    found: list[str] = []
    for item in items:
        anchor = item.store.anchor()
        if not anchor or item.store is store or anchor == (own := store.anchor()):
            continue
        folder = start_folder_here() if anchor == "." else anchor
        if folder != (start_folder_here() if own == "." else own):
            found.append(f"{item.target} in {folder}")
    return found


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
