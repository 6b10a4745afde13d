"""`identical` and `difference`: whether two values can be told apart, and where.

Types count, as do the order of a dict, the sign of a zero, and fields that `==` leaves out. What
does not count is which object a value is: two lists that share an element and two that do not.
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
    decided_by,
    types_differ,
    walk_object,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Difference", "difference", "identical", "register_identical"]


def identical(a: object, b: object) -> bool:
    """Tell whether two values are the same in all that code could see of them.

    Their types are the same, and so is all that is in them. NaN is identical to NaN, `0.0` not to
    `-0.0`, nor a dict to one in another order. What a `cached_property` has kept does not count.

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
    """Return the first difference between two values, or None if they are identical.

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
    """Let `compare` decide for two instances of one class, `cls` or a subclass of it.

    The most specific class wins: what is registered for a subclass, or known of it, goes first.

    Args:
        cls: The class.
        compare: Takes two values of the same type, tells whether they are identical.

    Example:
        >>> class Word:
        ...     def __init__(self, text): self.text = text
        >>> register_identical(Word, lambda a, b: a.text.lower() == b.text.lower())
        >>> identical([Word("A")], [Word("a")])
        True
    """
    WALKERS.register(cls, decided_by(compare))


class _Comparison:
    """One comparison: the walks that are open, and the pairs that need no second look."""

    def __init__(self) -> None:
        self._open: list[tuple[Step, int, Walk]] = []
        # The values are kept: the id of one that is gone may become another's.
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
        """Compare what is simple at once; begin to walk what has parts."""
        if a is b:
            return None
        outcome = _compare(a, b)
        if outcome is None or isinstance(outcome, Difference):
            return _below(step, outcome)
        # A pair that is being compared counts as identical within itself: a cycle ends there.
        if (id(a), id(b)) not in self._seen:
            self._open.append((step, len(self._seen), outcome))
            self._seen[id(a), id(b)] = (a, b)
        return None

    def _leave(self, found: Difference | None) -> Difference | None:
        step, seen_before, _ = self._open.pop()
        if found is not None:
            # The elements of a set are tried against each other: what was seen may not hold.
            while len(self._seen) > seen_before:
                self._seen.popitem()
        return _below(step, found)


def _below(step: Step, found: Difference | None) -> Difference | None:
    if found is None or step == "":
        return found
    return found._replace(path=(step if isinstance(step, str) else step()) + found.path)


def _compare(a: Any, b: Any) -> Walk | Difference | None:
    """Compare two values that are no containers; return how to walk those that are."""
    kind = type_of(a)
    if kind is not type_of(b):
        return Difference("", a, b, types_differ(kind, type_of(b)))
    walker: Walker = WALKERS.dispatch(kind)
    if walker is walk_object:
        walker = walker_of(kind) or walker
    return walker(a, b)
