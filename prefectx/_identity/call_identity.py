"""`CallIdentity`: what a call is, worked out once and asked by all.

Names, claims, records, messages and staleness ask it, in three grades: an exact text for small
literals, a digest for all else, a short text for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh3_64_hexdigest

from prefectx._identity.exact_text import exact_text
from prefectx._identity.short_text import short_text_of_call
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class CallIdentity:
    """One call of one task: which task it is, and its arguments by value, whole.

    Make it before the function runs, for that may change its arguments, and ask for `digests`
    or `claim` then: they are worked out when first asked for, and kept.

    Args:
        task: The task's name, for people: `TaskIdentity.name`.
        arguments: The call's arguments by name, defaults applied; Items, not their data.

    Attributes:
        exact: The arguments as text, `x=1, y='a'`, if all are small literals or Items; else None.
    """

    __slots__ = ("_digests", "_key", "_short", "arguments", "exact", "task")

    def __init__(self, task: str, arguments: Mapping[str, Any]) -> None:
        self.task = task
        self.arguments = arguments
        self.exact = exact_text(arguments)
        self._digests: dict[str, bytes | UnsupportedValue] | None = None
        self._short: str | None = None
        self._key: str | None = None

    @property
    def short(self) -> str:
        """The call as text of bounded length, for people: other calls may have the same."""
        if self._short is None:
            self._short = short_text_of_call(self.task, self.arguments)
        return self._short

    @property
    def key(self) -> str:
        """A short text that another call has not, the same in every process.

        What has no value of its own does not count.
        """
        if self._key is None:
            if self.exact is not None:
                self._key = key_of(self.exact)
            else:
                from prefectx._identity.content_hash import digest

                self._key = digest(self.digests).hex()[:_LENGTH_OF_KEY]
        return self._key

    @property
    def digests(self) -> Mapping[str, bytes | None]:
        """A digest of each argument by its name; None for what has no value of its own."""
        return {
            name: None if isinstance(found, UnsupportedValue) else found
            for name, found in self._found().items()
        }

    def digest(self) -> bytes:
        """Return 16 bytes that differ where any argument differs.

        Raises:
            UnsupportedValue: An argument has no value of its own; the error names it.
        """
        from prefectx._identity.content_hash import digest

        return digest(self.fingerprints())

    def fingerprints(self, content_of: Callable[[Any], Any] | None = None) -> dict[str, bytes]:
        """Return a digest of each argument by its name.

        Args:
            content_of: Gives what an Item or a file holds in its place, and all else as it is, to
                compare inputs by their content; without it an Item counts by its target.

        Raises:
            UnsupportedValue: An argument has no value of its own; the error names it.
        """
        if content_of is None:
            found = self._found()
        else:
            from prefectx._values.containers import replace

            found = {
                name: _digest_of(name, replace(value, content_of))
                for name, value in self.arguments.items()
            }
        for digest in found.values():
            if isinstance(digest, UnsupportedValue):
                raise digest
        return {name: digest for name, digest in found.items() if isinstance(digest, bytes)}

    def claim(self) -> str | tuple[bytes | _Held, ...]:
        """Return what is kept of the arguments while a run lasts: no data, and never much.

        It equals that of the same call, and of no other. What has no value of its own, such as a
        connection, is the same only as itself.
        """
        if self.exact is not None:
            return self.exact
        return tuple(
            _Held(self.arguments[name]) if isinstance(found, UnsupportedValue) else found
            for name, found in self._found().items()
        )

    def changed(self, other: Mapping[str, bytes | None]) -> list[str]:
        """Return the names of the arguments whose digests differ from those of another call.

        Args:
            other: The `digests` of the other call. What has none there or here is left out.
        """
        return [
            name
            for name, found in self.digests.items()
            if found is not None and other.get(name, b"") not in {None, found}
        ]

    def _found(self) -> dict[str, bytes | UnsupportedValue]:
        if self._digests is None:
            self._digests = {
                name: _digest_of(name, value) for name, value in self.arguments.items()
            }
        return self._digests


_LENGTH_OF_KEY: Final = 16


def key_of(exact: str) -> str:
    """Return the `key` of a call that this exact text tells."""
    return xxh3_64_hexdigest(exact.encode("utf-8", "surrogatepass"))


class _Held:
    """An object that has no value of its own: the same only as itself, and while it is alive."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        from weakref import ref

        try:
            self._value: Callable[[], Any] = ref(value)
        except TypeError:
            # It must live, or another object may be made in its place in memory.
            self._value = lambda: value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Held):
            return NotImplemented
        found = self._value()
        return found is not None and found is other._value()

    def __hash__(self) -> int:
        return 0


def _digest_of(name: str, value: Any) -> bytes | UnsupportedValue:
    from prefectx._identity.content_hash import digest

    try:
        return digest(value)
    except UnsupportedValue as error:
        return UnsupportedValue(f"the argument {name!r} cannot be told apart from others: {error}")
