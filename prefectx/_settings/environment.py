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

environment: Final[Mapping[Any, Any]] = cast("Any", os.environ)._data
"""All variables, names and values as the operating system has them: bytes on most."""


class Variable:
    """A variable of the environment.

    Args:
        name: Its name, as in `"PREFECTX"`.

    Attributes:
        key: Its name in `environment`.
    """

    __slots__ = ("key", "name")

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self.key: Final[Any] = os.environ.encodekey(name)

    def raw(self) -> Any:
        """Return its value as the operating system has it, bytes on most, or None."""
        return environment.get(self.key)

    def get(self) -> str | None:
        """Return its value, or None if it is not set."""
        raw = environment.get(self.key)
        return None if raw is None else os.environ.decodevalue(raw)
