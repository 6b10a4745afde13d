"""`identical` and `difference`: exact comparison of two values.

Types matter, and so do the order of a dict, the sign of a zero, and fields that `==` leaves out.
The identity of objects does not matter: whether two elements are the same object or equal ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._types import type_of
from pytest_prefectx.equality.arrays import walker_of
from pytest_prefectx.equality.kinds import (
    WALKERS,
    Difference,
    Step,
    Walk,
    Walker,
    types_differ,
    walk_object,
    walker_from,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Difference", "difference", "identical", "register_identical"]


def identical(a: object, b: object) -> bool:
    """Tell whether code could not distinguish two values.

    Their types and their contents are the same. NaN is identical to NaN; `0.0` is not identical to
    `-0.0`, nor a dict to one in another order. Values of a `cached_property` are ignored.

    Args:
        a: One value.
        b: The other.

    Example:
        >>> identical([1, float("nan")], [1, float("nan")])
        True
        >>> 1 == True, identical(1, True)
        (True, False)
    """
    return difference(a, b) is None


def difference(a: object, b: object) -> Difference | None:
    """Return the first difference between two values; None if they are identical.

    Args:
        a: One value, the difference's `left`.
        b: The other, its `right`.

    Example:
        >>> difference([{"x": 1}], [{"x": True}])
        Difference(path="[0]['x']", left=1, right=True, why='type int, not bool')
        >>> difference("abc", "abc") is None
        True
    """
    return _Comparison().of(a, b)


def register_identical(cls: type[Any], compare: Callable[[Any, Any], bool]) -> None:
    """Register a comparison for instances of `cls` and its subclasses.

    The comparison of the most specific class is used.

    Args:
        cls: The class.
        compare: Tells whether two values of the same type are identical.

    Example:
        >>> class Word:
        ...     def __init__(self, text): self.text = text
        >>> register_identical(Word, lambda a, b: a.text.lower() == b.text.lower())
        >>> identical([Word("A")], [Word("a")])
        True
    """
    WALKERS.register(cls, walker_from(compare))


class _Comparison:
    """One comparison: its open walks, and the pairs that were compared already."""

    def __init__(self) -> None:
        self._open: list[tuple[Step, int, Walk]] = []
        # The values are kept alive: otherwise another object may get the same id.
        self._seen: dict[tuple[int, int], tuple[object, object]] = {}

    def of(self, a: object, b: object) -> Difference | None:
        found = self._enter("", a, b)
        while self._open:
            try:
                step, left, right = self._open[-1][2].send(found)
            except StopIteration as end:
                found = self._leave(end.value)
            else:
                found = self._enter(step, left, right)
        return found

    def _enter(self, step: Step, a: object, b: object) -> Difference | None:
        """Compare simple values at once; open a walk for values with parts."""
        if a is b:
            return None
        outcome = _compare(a, b)
        if outcome is None or isinstance(outcome, Difference):
            return _below(step, outcome)
        # A pair within itself counts as identical, which ends a cycle.
        if (id(a), id(b)) not in self._seen:
            self._open.append((step, len(self._seen), outcome))
            self._seen[id(a), id(b)] = (a, b)
        return None

    def _leave(self, found: Difference | None) -> Difference | None:
        step, seen_before, _ = self._open.pop()
        if found is not None:
            # The elements of a set are compared tentatively, so later pairs are not certain.
            while len(self._seen) > seen_before:
                self._seen.popitem()
        return _below(step, found)


def _below(step: Step, found: Difference | None) -> Difference | None:
    if found is None or step == "":
        return found
    return found._replace(path=(step if isinstance(step, str) else step()) + found.path)


def _compare(a: Any, b: Any) -> Walk | Difference | None:
    """Compare two values that are no containers; return a walk for containers."""
    kind = type_of(a)
    if kind is not type_of(b):
        return Difference("", a, b, types_differ(kind, type_of(b)))
    walker: Walker = WALKERS.dispatch(kind)
    if walker is walk_object:
        walker = walker_of(kind) or walker
    return walker(a, b)
