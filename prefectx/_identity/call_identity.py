"""`CallIdentity`: the identity of a call, computed once and used everywhere.

Names, claims, records, messages and freshness use it. It has three forms: an exact text for small
literals, a digest for other values, a short text for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from xxhash import xxh3_64_hexdigest

from prefectx._identity.exact_text import exact_text, foreign_folders
from prefectx._identity.given_fields import count_given_fields, has_models
from prefectx._identity.short_text import short_text_of_call
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prefectx.stores.base import Store


class PlaceOfTask(Protocol):
    """The surroundings of a task, as far as they decide what its arguments are."""

    @property
    def store(self) -> Store:
        """The store of its outputs."""
        ...

    @property
    def looks_at_given_fields(self) -> bool:
        """True if its project looks at which fields of a pydantic model were given."""
        ...


class _Computed(NamedTuple):
    """An exact text that was asked for; None for arguments that have none."""

    text: str | None


class CallIdentity:
    """The identity of one call: its task and the full values of its arguments.

    Create it, and read `digests` or `claim`, before the function runs, because the function may
    change its arguments. Both are computed at the first access and kept.

    Args:
        task: The task's qualified name.
        arguments: The call's arguments by name, defaults applied; Items, not their data.
        place: The task's store and project; None if they do not matter.
    """

    __slots__ = (
        *("_code", "_digests", "_exact", "_key", "_place", "_short"),
        *("arguments", "task"),
    )

    def __init__(
        self, task: str, arguments: Mapping[str, Any], place: PlaceOfTask | None = None
    ) -> None:
        self.task = task
        self.arguments = arguments
        self._place = place
        self._exact: _Computed | None = None
        self._digests: dict[str, bytes | UnsupportedValue] | None = None
        self._code: dict[str, dict[str, str]] = {}
        self._short: str | None = None
        self._key: str | None = None

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        if self.exact is None:
            self._found()
        # All that depends on the place is computed by now.
        return None, {**{name: getattr(self, name) for name in self.__slots__}, "_place": None}

    def compute(self) -> None:
        """Compute what is else computed when it is first asked for: the arguments may change."""
        _ = self.short, self.key, self.code

    @property
    def exact(self) -> str | None:
        """The arguments as text, `x=1, y='a'`, if all are small literals or Items; else None."""
        if self._exact is None:
            store = self._place.store if self._place else None
            self._exact = _Computed(exact_text(self.arguments, store))
        return self._exact.text

    @property
    def short(self) -> str:
        """The call as text of bounded length, for people: other calls may have the same."""
        if self._short is None:
            self._short = short_text_of_call(self.task, self.arguments)
        return self._short

    @property
    def key(self) -> str:
        """A short text that is unique to the call and the same in every process.

        Of arguments that have no value of their own it holds the parts that have one.
        """
        if self._key is None:
            if self.exact is not None:
                self._key = key_of(self.exact)
            else:
                from prefectx._identity.content_hash import digest, digest_of_known_parts

                parts = {
                    name: digest_of_known_parts(self.arguments[name])
                    if isinstance(found, UnsupportedValue)
                    else found
                    for name, found in self._found().items()
                }
                self._key = digest(parts).hex()[:_LENGTH_OF_KEY]
        return self._key

    @property
    def digests(self) -> Mapping[str, bytes | None]:
        """A digest of each argument by name; None for an object that has no value of its own."""
        return {
            name: None if isinstance(found, UnsupportedValue) else found
            for name, found in self._found().items()
        }

    @property
    def code(self) -> Mapping[str, Mapping[str, str]]:
        """Fingerprints of the project's functions and classes in each argument, by name.

        Arguments without any are left out.
        """
        if self.exact is None:
            self._found()
        return self._code

    def digest(self) -> bytes:
        """Return 16 bytes that differ where any argument differs.

        Raises:
            UnsupportedValue: An argument has no value of its own; the error names it.
        """
        from prefectx._identity.content_hash import digest

        for found in self._found().values():
            if isinstance(found, UnsupportedValue):
                raise found
        return digest(self._found())

    def claim(self) -> str | tuple[bytes | _SameObject, ...]:
        """Return a small value for the arguments, to keep during a run: it holds no data.

        It equals the value of the same call, and of no other. An object that has no value of its
        own, such as a connection, equals itself only.
        """
        if self.exact is not None:
            return self.exact
        return tuple(
            _SameObject(self.arguments[name]) if isinstance(found, UnsupportedValue) else found
            for name, found in self._found().items()
        )

    def _found(self) -> dict[str, bytes | UnsupportedValue]:
        if self._digests is None:
            found: dict[str, bytes | UnsupportedValue] = {}
            for name, value in self.arguments.items():
                found[name] = self._look_at(name, value)
            self._digests = found
        return self._digests

    def _look_at(self, name: str, value: Any) -> bytes | UnsupportedValue:
        """Return the digest of an argument, or why it has none; note the code in it."""
        from prefectx._identity.content_hash import digest, look_into

        place = self._place
        found, code, items = look_into(value)
        if place is not None and has_models(code) and place.looks_at_given_fields:
            with count_given_fields():
                found, code, items = look_into(value)
        if code:
            from prefectx._identity.argument_code import code_in_argument

            if parts := code_in_argument(code, self.task):
                self._code[name] = parts
        if isinstance(found, UnsupportedValue):
            msg = f"the argument {name!r} cannot be compared with others: {found}"
            return UnsupportedValue(msg)
        if items and place is not None:
            folders = foreign_folders(items, place.store)
            return digest([found, folders]) if folders else found
        return found


_LENGTH_OF_KEY: Final = 16


def key_of(exact: str) -> str:
    """Return the `key` of a call with this exact text."""
    return xxh3_64_hexdigest(exact.encode("utf-8", "surrogatepass"))


class _SameObject:
    """A reference to an object that has no value of its own, compared by identity."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        from weakref import ref

        try:
            self._value: Callable[[], Any] = ref(value)
        except TypeError:
            # A strong reference: otherwise another object may get the same id.
            self._value = lambda: value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _SameObject):
            return NotImplemented
        found = self._value()
        return found is not None and found is other._value()

    def __hash__(self) -> int:
        return 0
