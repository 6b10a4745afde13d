"""Versions of a target: an Item loads what its call has made, or says who has replaced it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from prefectx.errors import TargetReplaced, UnsupportedValue
from prefectx.stores.record import Record, parsed

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    class Versioned(Protocol):
        """A store, as far as versions go."""

        @property
        def is_written_by_function(self) -> bool:
            """Whether the task's function writes the output."""
            ...

        def load_record(self, target: str) -> str | None:
            """Return the record beside an output."""
            ...

        def lock(self, target: str) -> AbstractContextManager[None]:
            """Hold the target alone."""
            ...


T = TypeVar("T")

_ATTEMPTS: Final = 100
"""How often a target is read that other processes recompute while it is read."""


def load_version(store: Versioned, target: str, version: str, read: Callable[[str], Any]) -> Any:
    """Return what `read` reads at a target, if its record has this version before and after.

    Raises:
        TargetReplaced: Another call has made the target, or began to.
    """
    found: str | None = None
    for _ in range(_ATTEMPTS):
        before = read_finished(store, target, version, lambda: _text_and_record(store, target))
        data = read(target)
        # Not only the same version: two calls may have made it by turns meanwhile.
        found = store.load_record(target)
        if found == before:
            return data
    raise replaced(target, version, parsed(found or ""))


def _has_version(record: Record, version: str) -> bool:
    # A run with `rerun_on` adds to the version of the same call what it has compared.
    return record.version == version or record.version.startswith(f"{version} ")


def replaced(target: str, version: str, record: Record | None) -> TargetReplaced:
    """Return the error for an Item whose target has another version.

    Args:
        target: The target.
        version: The version of the Item.
        record: The record that is there now, if one is.
    """
    who = "by another call or by other code"
    if record is not None:
        is_same_call = bool(record.key) and str(record.key) in version
        who = f"{'by other code or inputs' if is_same_call else 'by another call'}: {record.call}"
        who += f", {record.made}"
    msg = (
        f"target {target!r} was recomputed after this Item was returned, {who}. What is there is"
        " not what this Item's call made. Call the task again for an Item of its present output;"
        " if its calls take turns, put every argument that differs between them into the target."
    )
    return TargetReplaced(msg)


def read_finished(
    store: Versioned, target: str, version: str, read: Callable[[], tuple[T, Record | None]]
) -> T:
    """Return what `read` reads together with its record, once no call is at the target.

    Args:
        store: The store.
        target: The target.
        version: The version of the Item.
        read: Reads something and the record that vouches for it, if one is there.

    Raises:
        TargetReplaced: Another call has made the target, or began to.
    """
    found, record = read()
    if record is not None and not (record.complete or store.is_written_by_function):
        # A call is at it, perhaps the Item's once more: what is there may be another's.
        try:
            with store.lock(target):
                found, record = read()
        except UnsupportedValue:
            raise replaced(target, version, record) from None
        if record is not None and not record.complete:
            raise replaced(target, version, record)
    # No record: it was put there by hand, or the store keeps none.
    if record is not None and not _has_version(record, version):
        raise replaced(target, version, record)
    return found


def _text_and_record(store: Versioned, target: str) -> tuple[str | None, Record | None]:
    text = store.load_record(target)
    return text, parsed(text or "")
