"""Signatures behind pickles: made and asked for where `PREFECTX_SIGNING_KEY` is set."""

from __future__ import annotations

import os
import posixpath
from contextvars import ContextVar
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._settings.environment import Variable
from prefectx.errors import UnsupportedValue, UntrustedTarget

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNING_KEY: Final = "PREFECTX_SIGNING_KEY"
"""Names the secret that all share who may write pickles for each other."""

_variable: Final = Variable(SIGNING_KEY)

signed_target: Final[ContextVar[str]] = ContextVar("prefectx_signed_target", default="")
"""The name of the target that a signature is for: one made for another target does not count."""

_MARK: Final = b"prefectx-hmac-sha256:"
_SIZE: Final = len(_MARK) + 32


class Pickled(NamedTuple):
    """A reader and a writer of pickles that sign what they write and check what they read."""

    read: Callable[[IO[bytes]], Any]
    write: Callable[[Any, IO[bytes]], None]

    def load(self, file: IO[bytes]) -> Any:
        """Read a pickle, after its signature was checked if there is a key.

        Raises:
            UntrustedTarget: There is a key, and no signature that was made with it.
        """
        # A signature stands behind the end of the pickle, so who has no key reads it all the same.
        if (key := _key()) is None:
            return self.read(file)
        return self.read(BytesIO(_verified(file.read(), key)))

    def dump(self, value: Any, file: IO[bytes]) -> None:
        """Write a pickle, and its signature behind it if there is a key."""
        if (key := _key()) is None:
            self.write(value, file)
            return
        signed = _Signed(file, key)
        self.write(value, signed)  # type: ignore[arg-type]
        file.write(_MARK + signed.code.digest())


class _Signed:
    """A writer that passes the data to a file and adds it to the signature."""

    def __init__(self, file: IO[bytes], key: bytes) -> None:
        import hmac

        self.file = file
        self.code = hmac.new(key, _name(), "sha256")

    def write(self, data: bytes) -> int:
        self.code.update(data)
        return self.file.write(data)


def _key() -> bytes | None:
    if _variable.raw() is None:
        return None
    key = (_variable.get() or "").strip()
    if not key:
        msg = (
            f"{SIGNING_KEY} is set, but empty: nothing would be signed or checked. Set it to the"
            " secret that is meant, or unset it"
        )
        raise UnsupportedValue(msg)
    # The system's own bytes, whether or not they are UTF-8.
    return os.fsencode(key)


def _name() -> bytes:
    """Return what a signature covers of the target's name, with its own end."""
    return posixpath.normpath(signed_target.get()).encode("utf-8", "surrogatepass") + b"\0"


def _verified(content: bytes, key: bytes) -> memoryview:
    import hmac

    # All of it is in memory before any of it is believed, for the file may change meanwhile.
    whole = memoryview(content)
    pickled, signature = whole[:-_SIZE], whole[-_SIZE:]
    if not content[-_SIZE:].startswith(_MARK):
        msg = (
            f"bears no signature, but {SIGNING_KEY} is set here; the workers of a cluster need it"
            " too"
        )
        raise UntrustedTarget(msg)
    code = hmac.new(key, _name(), "sha256")
    code.update(pickled)
    if not hmac.compare_digest(signature[len(_MARK) :], code.digest()):
        msg = (
            f"bears a signature that was not made with this {SIGNING_KEY} for this target: the key"
            " is another one (as the workers of a cluster may have), or the name, or the content"
            " was changed"
        )
        raise UntrustedTarget(msg)
    return pickled
