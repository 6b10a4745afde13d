"""The identity of a task: its importable name, its code, closure and defaults."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from prefectx._identity.names import module_name
from prefectx._values.references import qualified_name_of

if TYPE_CHECKING:
    from collections.abc import Callable


def task_identity(fn: Callable[..., Any]) -> str:
    """Return a text that differs for any two living tasks: name, code, closure and defaults.

    A script has the name under which it can be imported.

    Args:
        fn: The task's function.
    """
    # Kept from the first call, since the function may change its closure.
    try:
        if (text := _TEXTS.get(fn)) is None:
            text = _TEXTS.setdefault(fn, _identity_of(fn))
    except TypeError:
        # A callable that is not hashable.
        return _identity_of(fn)
    return text


def _identity_of(fn: Any) -> str:
    name = f"{module_name(fn.__module__)}.{qualified_name_of(fn)}"
    return f"{name} {_definition_digest(fn)}"


class _Opaque:
    """Unique numbers for objects that have no value of their own."""

    def __init__(self) -> None:
        # Each object is kept alive: otherwise another object may get the same id.
        self._numbers: dict[int, tuple[int, Any]] = {}
        self._count = count()

    def number(self, value: Any) -> int:
        """Return a number that is unique in this process."""
        found = self._numbers.get(id(value))
        if found is None:
            found = self._numbers.setdefault(id(value), (next(self._count), value))
        return found[0]


_OPAQUE: Final = _Opaque()
_TEXTS: Final[WeakKeyDictionary[Any, str]] = WeakKeyDictionary()


def _definition_digest(fn: Any) -> str:
    """Return a digest that differs for functions of the same name."""
    from prefectx._identity.content_hash import digest_by_identity
    from prefectx._identity.functions import definition_of

    found: list[Any] = []
    while fn is not None:
        found.append(definition_of(fn) if hasattr(fn, "__code__") else fn)
        # A decorator's wrapper does not include the function that it wraps.
        fn = getattr(fn, "__wrapped__", None)
    return digest_by_identity(found, _OPAQUE.number).hex()
