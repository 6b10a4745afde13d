"""What is said of a target that is missing, corrupt or not trusted; values as bytes."""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from prefectx.errors import (
    CorruptTarget,
    MissingExtra,
    TargetMissing,
    UnsupportedValue,
    UntrustedTarget,
)
from prefectx.stores.formats import format_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefectx.stores.base import Store


def encoded(target: str, value: Any) -> bytes:
    """Return a value as bytes, in the format that the target's suffix picks.

    Raises:
        UnsupportedValue: The format would not give the value back unchanged.
    """
    content = BytesIO()
    try:
        format_of(target).dump(value, content)
    except UnsupportedValue as error:
        note_unwritten_value(error, target)
        raise
    return content.getvalue()


def decoded(store: Store, target: str, content: bytes) -> Any:
    """Return the value that `encoded` made bytes of.

    Raises:
        CorruptTarget: They are no such bytes.
        UntrustedTarget: They are a pickle that does not bear the signature that it must.
    """
    with explained(store, target, f"item({target!r}, {store!r}).delete() in Python"):
        return format_of(target).load(BytesIO(content))


def missing(store: Store, target: str) -> TargetMissing:
    """Return the error for a target that is not there."""
    msg = (
        f"target {target!r} is not there ({store.path(target)!r}): call its task again to make"
        " it anew."
    )
    return TargetMissing(msg)


@contextmanager
def explained(store: Store, target: str, removal: str) -> Generator[None]:
    """Let what goes wrong while a target is read say which, and what to do about it.

    Args:
        store: Who keeps it.
        target: The target.
        removal: How a person removes it.
    """
    try:
        yield
    except UntrustedTarget as error:
        msg = (
            f"target {target!r} ({store.path(target)!r}) {error}. It was not read, for reading a"
            " pickle runs the code that is in it. If you know who wrote it, see SECURITY.md for"
            f" how to trust it; else remove it, then call the task again: {removal}"
        )
        raise UntrustedTarget(msg) from None
    except (MemoryError, MissingExtra, OSError):
        raise
    except Exception as error:
        # Unpickling runs arbitrary code, so it may raise anything.
        from prefectx.records import maker_of

        msg = (
            f"target {target!r}{maker_of(store, target)} cannot be read"
            f" ({type(error).__name__}: {error}). Remove it, then call the task again: {removal}"
        )
        raise CorruptTarget(msg) from error


def note_unwritten_value(error: UnsupportedValue, target: str) -> None:
    """Add to an error which target was not written."""
    error.add_note(f"Target {target!r} was not written.")
