"""The identity of a task: its importable name, its code, closure and defaults."""

from __future__ import annotations

import inspect
from contextlib import suppress
from itertools import count
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakValueDictionary

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
            _FUNCTIONS[text] = fn
    except TypeError:
        # A callable that is not hashable.
        return _identity_of(fn)
    return text


def _identity_of(fn: Any) -> str:
    name = f"{module_name(fn.__module__)}.{qualified_name_of(fn)}"
    return f"{name} {_definition_digest(fn)}"


def difference_of_tasks(one: str, other: str) -> str:
    """Return what differs between two tasks of one name, as the end of a sentence.

    Args:
        one: The identity of a task.
        other: The identity of the other one.
    """
    of_one, of_other = _values_of(_FUNCTIONS.get(one)), _values_of(_FUNCTIONS.get(other))
    changed = [
        f"{name} is {of_one[name]} and {of_other[name]}"
        for name in of_one
        if name in of_other and of_one[name] != of_other[name]
    ]
    if not changed:
        return ", two tasks of one name with other code, closures or defaults"
    return f", two tasks of one name, in whose closures and defaults {', '.join(changed)}"


def _values_of(fn: Any) -> dict[str, str]:
    """Return what the closure and the defaults of a function hold, as short text."""
    from prefectx._identity.short_text import short_text

    fn = inspect.unwrap(fn) if callable(fn) else fn
    if not isinstance(fn, FunctionType):
        return {}
    with suppress(ValueError):  # a name is not bound yet
        cells = zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True)
        closure = {name: short_text(cell.cell_contents) for name, cell in cells}
        parameters = inspect.signature(fn).parameters.values()
        absent = inspect.Parameter.empty
        return {
            p.name: short_text(p.default) for p in parameters if p.default is not absent
        } | closure
    return {}


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
# For messages.
_FUNCTIONS: Final[WeakValueDictionary[str, Any]] = WeakValueDictionary()


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
