"""The identity of a task: its name, wherever its module was loaded from, and what it is made of."""

from __future__ import annotations

from itertools import count

from prefectx._identity.code_hash import code_fingerprints
from prefectx._identity.names import module_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final


class TaskIdentity:
    """What tells a task apart from all others.

    Args:
        fn: The task's function.

    Attributes:
        name: Module and qualified name; a script has the name that importing it would give it.
    """

    __slots__ = ("_code", "_fn", "_text", "name")

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = fn
        self.name: Final = f"{module_name(fn.__module__)}.{fn.__qualname__}"
        self._code: Mapping[str, str] | None = None
        self._text: str | None = None

    @property
    def text(self) -> str:
        """What differs for two tasks that are alive: name, code, closure and defaults."""
        if self._text is None:
            self._text = f"{self.name} {_surroundings(self._fn)}"
        return self._text

    @property
    def code(self) -> Mapping[str, str]:
        """Fingerprints of all code that the task's output depends on, by name.

        The task's function, helpers of the user's own package, constants, closure and defaults.
        """
        if self._code is None:
            self._code = code_fingerprints(self._fn)
        return self._code


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


def _surroundings(fn: Any) -> str:
    """Return a text of what tells functions of one name apart."""
    from prefectx._identity.content_hash import digest_of_living
    from prefectx._identity.functions import made_of

    found: list[Any] = []
    while fn is not None:
        if hasattr(fn, "__code__"):
            found.append(made_of(fn))
        # A decorator's wrapper says nothing of the function that it wraps.
        fn = getattr(fn, "__wrapped__", None)
    return digest_of_living(found, _OPAQUE.number).hex()
