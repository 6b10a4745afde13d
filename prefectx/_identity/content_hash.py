"""A hash of any value, by its content: equal for equal values, in every process."""

from __future__ import annotations

from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._identity.attributes import wraps_code
from prefectx._identity.built_in_types import parts_of
from prefectx._identity.objects_with_code import known_parts_of
from prefectx._identity.parts import CodeInColumns, Digest, Parts, combine
from prefectx._types import type_of
from prefectx._values.item import is_item
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefectx._values.item import Item


def digest(value: Any) -> bytes:
    """Return 16 bytes that differ where values differ: `1`, `True`, `1.0` and `"1"` all do.

    The whole value is hashed, whatever its size. Objects are taken apart as by pickle, but it makes
    no difference whether equal parts are one object. An `Item` is hashed by its store and target,
    not by its data.

    Raises:
        UnsupportedValue: The value, or something in it, has no value of its own: an open file, a
            lock, a generator.
    """
    return _Walk(None).of(value)


class Found(NamedTuple):
    """The results of a walk through a value.

    Attributes:
        digest: Its digest; the error of a value that has none.
        code: The classes, functions and tasks in it.
        items: The Items in it.
    """

    digest: bytes | UnsupportedValue
    code: list[Any]
    items: list[Item[Any]]


def look_into(value: Any) -> Found:
    """Return the digest of a value, and the code and Items in it."""
    walk = _Walk(None)
    try:
        found: bytes | UnsupportedValue = walk.of(value)
    except UnsupportedValue as error:
        # Once more, past what has no value of its own.
        walk = _Walk(lambda _: 0)
        walk.of(value)
        found = error
    return Found(found, walk.code, walk.items)


def digest_by_identity(value: Any, number: Callable[[Any], int]) -> bytes:
    """Return the digest of a value, with a number for each object that has no value of its own.

    Args:
        value: The value.
        number: Returns a number that is unique among living objects.
    """
    return _Walk(number).of(value)


def digest_of_known_parts(value: Any) -> bytes:
    """Return a digest of an object that has no value of its own, such as one that holds a lock.

    It takes the class and what does have a value: elements, and attributes without an underscore,
    for those with one may be counters, caches or times. So equal objects have the same, but some
    that differ do too.
    """
    return _digest_of_parts(value, _known_parts(value))


def digest_if_comparable(value: Any) -> bytes | None:
    """Return the digest of a value, or else that of its known parts; None if it has neither."""
    if (found := _digest_if_any(value)) is not None:
        return found
    parts = _known_parts(value)
    return _digest_of_parts(value, parts) if parts else None


def _digest_of_parts(value: Any, parts: list[tuple[object, bytes]]) -> bytes:
    return digest([type_of(value).__qualname__, parts])


def _known_parts(value: Any) -> list[tuple[object, bytes]]:
    return [
        (name, found)
        for name, part in known_parts_of(value)
        if not str(name).startswith("_") and (found := _digest_if_any(part)) is not None
    ]


def _digest_if_any(value: Any) -> bytes | None:
    try:
        return digest(value)
    except UnsupportedValue:
        return None


class _Walk:
    """One walk through a value, which takes each object in it apart once.

    The open values are on a stack of its own, so that data may be nested deeply.
    """

    def __init__(self, number: Callable[[Any], int] | None) -> None:
        self._number = number
        self._stack: list[_OpenValue] = []
        self._places: dict[int, int] = {}
        # The values are kept alive: otherwise another object may get the same id.
        self._known: dict[int, tuple[Digest, Any]] = {}
        self._in_loops: dict[int, _OpenValue] = {}
        self._serial = 0
        #: The classes, functions and tasks that were met.
        self.code: list[Any] = []
        self.items: list[Item[Any]] = []

    def of(self, value: Any) -> bytes:
        """Return the digest of a value."""
        found = self._enter(value)
        while self._stack:
            current = self._stack[-1]
            if found is not None:
                current.digests.append(found)
            part = next(current.parts, _END)
            found = self._leave() if part is _END else self._enter(part)
        return found or b""

    def _enter(self, value: Any) -> Digest | None:
        """Return the digest of a simple value; begin to take apart a compound one."""
        if type(value) is Digest:
            return value
        key = id(value)
        if (known := self._known.get(key)) is not None:
            return known[0]
        if type(value) is CodeInColumns:
            self.code += value.found
            return None
        if (loop := self._loop_to(key)) is not None:
            return loop
        found = self._parts(value)
        is_code = isinstance(value, type | FunctionType | ModuleType)
        if is_code or wraps_code(value):
            self.code.append(value)
        elif is_item(value):
            self.items.append(value)
        if isinstance(found, Digest):
            if is_code:
                # Each of a thousand instances refers to its class.
                self._known[key] = (found, value)
            return found
        self._places[key] = len(self._stack)
        self._serial += 1
        self._stack.append(_OpenValue(value, found, len(self._stack), self._serial))
        return None

    def _parts(self, value: Any) -> Digest | Parts:
        if self._number is None:
            return parts_of(value)
        try:
            return parts_of(value)
        except UnsupportedValue:
            self.code.append(type_of(value))
            return Parts("object", (str(self._number(value)),))

    def _loop_to(self, key: int) -> Digest | None:
        """Return the digest of a reference to a value that is part of itself; None for others."""
        if (place := self._places.get(key)) is not None:
            return self._loop(place, 0)
        if (done := self._in_loops.get(key)) is not None:
            return self._loop(done.lowest, done.serial)
        return None

    def _loop(self, place: int, serial: int) -> Digest:
        """Return the digest of a reference to a value that is part of itself.

        Args:
            place: The position on the stack of the enclosing open value.
            serial: The number of the value within that one; 0 for that one itself.
        """
        for within in self._stack[place + 1 :]:
            within.lowest = min(within.lowest, place)
        after = serial and serial - self._stack[place].serial
        return combine(f"loop {len(self._stack) - place} {after}", [])

    def _leave(self) -> Digest:
        done = self._stack.pop()
        key, place = id(done.value), len(self._stack)
        del self._places[key]
        for inside in done.in_loop:
            del self._in_loops[inside]
        found = done.digest()
        if done.lowest < place:
            # It refers to an enclosing value, so its digest is valid within that one only.
            self._in_loops[key] = done
            self._stack[done.lowest].in_loop.append(key)
        else:
            self._known[key] = (found, done.value)
        return found


class _OpenValue:
    """A compound value that is being taken apart."""

    __slots__ = ("_found", "digests", "in_loop", "lowest", "parts", "serial", "value")

    def __init__(self, value: Any, found: Parts, place: int, serial: int) -> None:
        self.value = value
        self.serial = serial
        self._found = found
        self.parts: Iterator[Any] = iter(found.parts)
        self.digests: list[bytes] = []
        #: The position of the outermost value that this one refers to.
        self.lowest = place
        #: The ids of inner values that refer to this value, but to none around it.
        self.in_loop: list[int] = []

    def digest(self) -> Digest:
        if self._found.is_unordered:
            self.digests.sort()
        return combine(self._found.tag, self.digests)


_END: Final = object()
