"""Messages on a target that is missing, corrupt, not trusted or not written; values as bytes."""

from __future__ import annotations

import errno
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Final

from prefectx.errors import (
    CorruptTarget,
    MissingExtra,
    PrefectxError,
    TargetMissing,
    UnsupportedValue,
    UntrustedTarget,
)
from prefectx.stores.formats import format_of
from prefectx.stores.formats.signing import signed_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx.stores.base import Store

# Errors that need no explanation, or do not depend on the target's content.
_PASSED_ON: Final = (MemoryError, MissingExtra, OSError, UnsupportedValue)

_FULL: Final = "Make room for it"
_FORBIDDEN: Final = "Let this user write to its folder"
_OPEN: Final = "Close files that are open, or allow more of them (ulimit -n)"
_TAKEN: Final = "Move what is in its way, or choose another target"

_ADVICE: Final = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EMFILE: _OPEN,
    errno.ENFILE: _OPEN,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
    errno.ENOTDIR: _TAKEN,
    errno.EISDIR: _TAKEN,
    errno.ELOOP: "Remove the symbolic link that is there",
    errno.ENOENT: "Its folder was removed while it was written: leave it there",
}


def encoded(target: str, value: Any) -> bytes:
    """Return a value as bytes, in the format that the target's suffix picks.

    Raises:
        UnsupportedValue: The format would not give the value back unchanged.
    """
    content = BytesIO()
    try:
        dump_for(target, value, content)
    except UnsupportedValue as error:
        note_unwritten_value(error, target)
        raise
    return content.getvalue()


def dump_for(target: str, value: Any, file: IO[bytes]) -> None:
    """Write a value in the format of a target, and signed for it if there is a key."""
    token = signed_target.set(target)
    try:
        format_of(target).dump(value, file)
    finally:
        signed_target.reset(token)


def load_for(target: str, file: IO[bytes]) -> Any:
    """Read a value in the format of a target; a signature, if there must be one, is for it."""
    token = signed_target.set(target)
    try:
        return format_of(target).load(file)
    finally:
        signed_target.reset(token)


def decoded(store: Store, target: str, content: bytes) -> Any:
    """Return the value that `encoded` made bytes of.

    Raises:
        CorruptTarget: They are no such bytes.
        UntrustedTarget: They are a pickle that does not bear the signature that it must.
    """

    def removal(target: str) -> str:
        return f"item({target!r}, {store!r}).delete() in Python"

    with Explained(store, target, removal):
        return load_for(target, BytesIO(content))


def missing(store: Store, target: str) -> TargetMissing:
    """Return the error for a target that is not there."""
    msg = (
        f"target {target!r} is not there ({store.path(target)!r}): call its task again to make"
        " it anew."
    )
    return TargetMissing(msg)


class Explained:
    """Lets what goes wrong while a target is read say which, and what to do about it.

    Args:
        store: Who keeps it.
        target: The target.
        removal: Gives how a person removes it.
    """

    __slots__ = ("_removal", "_store", "_target")

    def __init__(self, store: Store, target: str, removal: Callable[[str], str]) -> None:
        self._store = store
        self._target = target
        self._removal = removal

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, UntrustedTarget):
            raise self._untrusted(error) from None
        if not isinstance(error, Exception) or isinstance(error, _PASSED_ON):
            return
        # Unpickling runs arbitrary code, so it may raise anything.
        raise self._corrupt(error) from error

    def _untrusted(self, error: UntrustedTarget) -> UntrustedTarget:
        msg = (
            f"target {self._target!r} ({self._store.path(self._target)!r}) {error}. It was not"
            " read, for reading it may run code that is in it. If you know who wrote it,"
            " see SECURITY.md for how to trust it; else remove it, then call the task again:"
            f" {self._removal(self._target)}"
        )
        return UntrustedTarget(msg)

    def _corrupt(self, error: Exception) -> CorruptTarget:
        from prefectx.stores.record import maker_of

        msg = (
            f"target {self._target!r}{maker_of(self._store, self._target)} cannot be read"
            f" ({type(error).__name__}: {error}). Remove it, then call the task again:"
            f" {self._removal(self._target)}"
        )
        return CorruptTarget(msg)


def note_unwritten_value(error: UnsupportedValue, target: str) -> None:
    """Add to an error which target was not written."""
    error.add_note(f"Target {target!r} was not written.")


def note_unwritten(error: OSError, what: str, path: str) -> None:
    """Add to an error what was not written, where, and what to do about it.

    Args:
        error: What the operating system said; it stays as it is but for the note.
        what: What was not written, as in `"Target 'a/b'"`.
        path: Its full path.
    """
    # numpy counts what it could write, and does not say what the system said.
    is_cut = error.errno is None and "requested and" in str(error)
    advice = _FULL if is_cut else _ADVICE.get(error.errno or 0, "See to the cause above")
    error.add_note(f"{what} was not written ({path!r}). {advice}, then call the task again.")


def note_unremoved(error: OSError, target: str, path: str) -> None:
    """Add to an error which target was not removed, and what to do about it."""
    if not isinstance(error, PrefectxError):
        advice = _ADVICE.get(error.errno or 0, "See to the cause above")
        error.add_note(f"Target {target!r} was not removed ({path!r}). {advice}, then try again.")
