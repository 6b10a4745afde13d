"""A hash of any value, by its content: equal for equal values, in every process."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.kinds import parts_of
from prefectx._identity.parts import Digest, Parts, combined
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def digest(value: Any) -> bytes:
    """Return 16 bytes that differ where values differ: `1`, `True`, `1.0` and `"1"` all do.

    All of a value counts, whatever its size. Objects are taken apart as pickle would, but equal
    parts count as equal whether or not they are one object. An `Item` counts by its store and
    target, whatever its data.

    Raises:
        UnsupportedValue: The value, or something in it, has no value of its own: an open file, a
            lock, a generator.
    """
    return _Walk(None).of(value)


def digest_of_living(value: Any, number: Callable[[Any], int]) -> bytes:
    """Return the digest of a value; what has none of its own counts as the object that it is.

    Args:
        value: The value.
        number: Gives a number that no other object that is alive has.
    """
    return _Walk(number).of(value)


class _Walk:
    """One walk through a value: each object in it is taken apart once, and none within another.

    The values that are under way lie on a stack, so that no data is nested too deeply.
    """

    def __init__(self, number: Callable[[Any], int] | None) -> None:
        self._number = number
        self._stack: list[_Open] = []
        self._places: dict[int, int] = {}
        # The values are kept: the id of one that is gone may become another's.
        self._known: dict[int, tuple[Digest, Any]] = {}
        self._in_loops: dict[int, _Open] = {}
        self._serial = 0

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
        if (place := self._places.get(key)) is not None:
            return self._loop(place, 0)
        if (done := self._in_loops.get(key)) is not None:
            return self._loop(done.lowest, done.serial)
        found = self._taken_apart(value)
        if isinstance(found, Digest):
            if isinstance(value, type | FunctionType):
                # Each of a thousand objects of a class names it.
                self._known[key] = (found, value)
            return found
        self._places[key] = len(self._stack)
        self._serial += 1
        self._stack.append(_Open(value, found, len(self._stack), self._serial))
        return None

    def _taken_apart(self, value: Any) -> Digest | Parts:
        if self._number is None:
            return parts_of(value)
        try:
            return parts_of(value)
        except UnsupportedValue:
            return Parts("object", (str(self._number(value)),))

    def _loop(self, place: int, serial: int) -> Digest:
        """Return what stands for a value that is part of itself.

        Args:
            place: Where the value around it lies that is still under way.
            serial: Which of the values met since then it is; 0 for the one at that place itself.
        """
        for within in self._stack[place + 1 :]:
            within.lowest = min(within.lowest, place)
        after = serial and serial - self._stack[place].serial
        return combined(f"loop {len(self._stack) - place} {after}", [])

    def _leave(self) -> Digest:
        done = self._stack.pop()
        key, place = id(done.value), len(self._stack)
        del self._places[key]
        for inside in done.in_loop:
            del self._in_loops[inside]
        found = done.digest()
        if done.lowest < place:
            # It names a value around it, so within others it has another digest.
            self._in_loops[key] = done
            self._stack[done.lowest].in_loop.append(key)
        else:
            self._known[key] = (found, done.value)
        return found


class _Open:
    """A compound value that is being taken apart."""

    __slots__ = ("_found", "digests", "in_loop", "lowest", "parts", "serial", "value")

    def __init__(self, value: Any, found: Parts, place: int, serial: int) -> None:
        self.value = value
        self.serial = serial
        self._found = found
        self.parts: Iterator[Any] = iter(found.parts)
        self.digests: list[bytes] = []
        #: The place of the outermost value that this one names.
        self.lowest = place
        #: What was met on the way and names this value, but none around it.
        self.in_loop: list[int] = []

    def digest(self) -> Digest:
        if self._found.is_unordered:
            self.digests.sort()
        return combined(self._found.tag, self.digests)


_END: Final = object()
