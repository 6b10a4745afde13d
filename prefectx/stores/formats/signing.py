"""Signatures behind pickles: made and asked for where `PREFECTX_SIGNING_KEY` is set."""

from __future__ import annotations

from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._settings.environment import Variable
from prefectx.errors import UntrustedTarget

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNING_KEY: Final = "PREFECTX_SIGNING_KEY"
"""Names the secret that all share who may write pickles for each other."""

_variable: Final = Variable(SIGNING_KEY)

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
        if _variable.raw() is None or not (key := _key()):
            return self.read(file)
        return self.read(BytesIO(_verified(file.read(), key)))

    def dump(self, value: Any, file: IO[bytes]) -> None:
        """Write a pickle, and its signature behind it if there is a key."""
        key = _key()
        if not key:
            self.write(value, file)
            return
        signed = _Signed(file, key)
        self.write(value, signed)  # type: ignore[arg-type]
        file.write(_MARK + signed.code.digest())


class _Signed:
    """What is written to it goes to the file, and into the signature."""

    def __init__(self, file: IO[bytes], key: bytes) -> None:
        import hmac

        self.file = file
        self.code = hmac.new(key, digestmod="sha256")

    def write(self, data: bytes) -> int:
        self.code.update(data)
        return self.file.write(data)


def _key() -> bytes:
    return (_variable.get() or "").encode()


def _verified(content: bytes, key: bytes) -> memoryview:
    import hmac

    # All of it is in memory before any of it is believed, for the file may change meanwhile.
    whole = memoryview(content)
    pickled, signature = whole[:-_SIZE], whole[-_SIZE:]
    if not content[-_SIZE:].startswith(_MARK):
        msg = f"bears no signature, but {SIGNING_KEY} is set"
        raise UntrustedTarget(msg)
    if not hmac.compare_digest(signature[len(_MARK) :], hmac.digest(key, pickled, "sha256")):
        msg = f"bears a signature that was not made with this {SIGNING_KEY}"
        raise UntrustedTarget(msg)
    return pickled
