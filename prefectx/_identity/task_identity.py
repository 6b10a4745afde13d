"""The identity of a task: its importable name, its code, closure and defaults."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from prefectx._identity.names import module_name
from prefectx._values.references import qualified_name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class TaskIdentity:
    """The identity of a task.

    Args:
        fn: The task's function.

    Attributes:
        name: Module and qualified name; a script has the name under which it can be imported.
    """

    __slots__ = ("_code", "_code_hash", "_fn", "name")

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = fn
        self.name: Final = f"{module_name(fn.__module__)}.{qualified_name_of(fn)}"
        self._code: Mapping[str, str] | None = None
        self._code_hash: str | None = None

    @property
    def text(self) -> str:
        """A text that differs for any two living tasks: name, code, closure and defaults."""
        # Kept from the first access, since the function may change its closure.
        try:
            if (text := _TEXTS.get(self._fn)) is None:
                text = _TEXTS.setdefault(self._fn, f"{self.name} {_definition_digest(self._fn)}")
        except TypeError:
            # A callable that is not hashable.
            return f"{self.name} {_definition_digest(self._fn)}"
        return text

    @property
    def code(self) -> Mapping[str, str]:
        """Fingerprints of all code that the task's output depends on, by name.

        These are the task's function, helpers of the user's project, constants, closure and
        defaults.
        """
        if self._code is None:
            from prefectx._identity.code_hash import code_fingerprints

            self._code = code_fingerprints(self._fn)
        return self._code

    @property
    def code_hash(self) -> str:
        """A hash of `code`."""
        if self._code_hash is None:
            from prefectx._identity.code_hash import combined_hash

            self._code_hash = combined_hash(self.code)
        return self._code_hash


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
