"""Variables of the environment, looked up at next to no cost.

`os.environ.get` encodes the name, decodes the value, and raises and catches where there is none:
several times as long as all else that a call of a task does. What it looks into is looked into
here, too, and every change of `os.environ` changes it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

_values: Final[Mapping[Any, Any]] = cast("Any", os.environ)._data


class Variable:
    """A variable of the environment.

    Args:
        name: Its name, as in `"PREFECTX"`.
    """

    __slots__ = ("_key", "name")

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self._key: Final[Any] = os.environ.encodekey(name)

    def raw(self) -> Any:
        """Return its value as the operating system has it, bytes on most, or None."""
        return _values.get(self._key)

    def get(self) -> str | None:
        """Return its value, or None if it is not set."""
        raw = _values.get(self._key)
        return None if raw is None else os.environ.decodevalue(raw)
