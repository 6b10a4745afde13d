"""The identity of a task: its name, wherever its module was loaded from, and what it is made of."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from prefectx._identity.names import module_name
from prefectx._values.references import qualified_name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class TaskIdentity:
    """What tells a task apart from all others.

    Args:
        fn: The task's function.

    Attributes:
        name: Module and qualified name; a script has the name that importing it would give it.
    """

    __slots__ = ("_code", "_code_hash", "_fn", "name")

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = fn
        self.name: Final = f"{module_name(fn.__module__)}.{qualified_name_of(fn)}"
        self._code: Mapping[str, str] | None = None
        self._code_hash: str | None = None

    @property
    def text(self) -> str:
        """What differs for two tasks that are alive: name, code, closure and defaults."""
        # As they were when first asked for: the function may fill what it closes over.
        try:
            if (text := _TEXTS.get(self._fn)) is None:
                text = _TEXTS.setdefault(self._fn, f"{self.name} {_made_of(self._fn)}")
        except TypeError:
            # An object that can be called, but not hashed.
            return f"{self.name} {_made_of(self._fn)}"
        return text

    @property
    def code(self) -> Mapping[str, str]:
        """Fingerprints of all code that the task's output depends on, by name.

        The task's function, helpers of the user's own package, constants, closure and defaults.
        """
        if self._code is None:
            from prefectx._identity.code_hash import code_fingerprints

            self._code = code_fingerprints(self._fn)
        return self._code

    @property
    def code_hash(self) -> str:
        """A hash of all that."""
        if self._code_hash is None:
            from prefectx._identity.code_hash import combined_hash

            self._code_hash = combined_hash(self.code)
        return self._code_hash


class _Opaque:
    """Numbers for objects that have no value of their own, to tell those that are alive apart."""

    def __init__(self) -> None:
        # Each object is kept: the id of one that is gone may become another's.
        self._numbers: dict[int, tuple[int, Any]] = {}
        self._count = count()

    def number(self, value: Any) -> int:
        """Return a number that no other object has, in this process."""
        found = self._numbers.get(id(value))
        if found is None:
            found = self._numbers.setdefault(id(value), (next(self._count), value))
        return found[0]


_OPAQUE: Final = _Opaque()
_TEXTS: Final[WeakKeyDictionary[Any, str]] = WeakKeyDictionary()


def _made_of(fn: Any) -> str:
    """Return a text of what tells functions of one name apart."""
    from prefectx._identity.content_hash import digest_of_living
    from prefectx._identity.functions import made_of

    found: list[Any] = []
    while fn is not None:
        found.append(made_of(fn) if hasattr(fn, "__code__") else fn)
        # A decorator's wrapper says nothing of the function that it wraps.
        fn = getattr(fn, "__wrapped__", None)
    return digest_of_living(found, _OPAQUE.number).hex()
