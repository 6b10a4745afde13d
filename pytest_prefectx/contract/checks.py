"""Helpers for the tests of `StoreContract`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pytest_prefectx.equality import difference

if TYPE_CHECKING:
    from prefectx.stores import Store

NAMES: Final = (
    *("a", "A", "a.b", "a b", " a", "a ", "a.", "-rf", "~", "C:", "CON", "a=1", "%2e", "*", "'"),
    *("\u00e9", "e\u0301", "stra\u00dfe", "strasse", "\N{SNAKE}", "a\nb", "a\\b", "{x}", "x" * 200),
    *("a_b/c", "a/b_c", "a__b", "a-b", "deep/er/and/deep/er", "deep/er/and/deeper", "a/b/c"),
)
"""Targets that a careless store would confuse. It may refuse `a/b/c` beside `a`."""


def for_each(values: Any, check: Callable[[Any], None]) -> None:
    """Check each of the values, or values that hypothesis draws from a strategy."""
    if not hasattr(values, "example"):
        for value in values:
            check(value)
        return
    from hypothesis import HealthCheck, given, settings

    # A slow store may pass.
    slow = (HealthCheck.too_slow, HealthCheck.data_too_large)

    @settings(deadline=None, suppress_health_check=slow)
    @given(values)
    def check_drawn(value: Any) -> None:
        check(value)

    check_drawn()


def sorted_targets(store: Store, prefix: str = "") -> list[str]:
    """Return the targets that a store lists, sorted."""
    return sorted(store.list(prefix))


def spoil(value: Any) -> None:
    """Empty a value and its parts, if they are mutable."""
    if isinstance(value, list | dict):
        parts: list[Any] = [*value.values()] if isinstance(value, dict) else [*value]
        for part in parts:
            spoil(part)
    if isinstance(value, list | dict | set | bytearray):
        value.clear()


def require(holds: object, message: str) -> None:
    """Fail the test unless a condition is true."""
    __tracebackhide__ = True
    # pytest rewrites the asserts of installed plugins only.
    if not holds:
        raise AssertionError(message)


def require_identical(value: object, expected: object, message: str) -> None:
    """Fail the test, with the difference, unless two values are identical."""
    __tracebackhide__ = True
    found = difference(value, expected)
    if found is not None:
        left, right = (ascii(part)[:200] for part in (found.left, found.right))
        msg = f"{message}: at value{found.path} {left} instead of {right} ({found.why})"
        raise AssertionError(msg)


def require_kept(store: Store, target: str, value: object, event: str) -> None:
    """Fail the test unless a store has this value under this target."""
    __tracebackhide__ = True
    require(store.exists(target), f"exists({target!r}) is false after {event}")
    require_identical(store.load(target), value, f"load({target!r}) has changed after {event}")
