"""Fast access to environment variables.

`os.environ.get` encodes the name, decodes the value, and raises and catches an exception if the
variable is not set: that takes several times as long as the rest of a task's call. So this module
reads the dict behind `os.environ`, which every change of `os.environ` updates.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

environment: Final[Mapping[Any, Any]] = cast("Any", os.environ)._data
"""All variables, names and values in the operating system's form: mostly bytes."""


class Variable:
    """An environment variable.

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
        """Return its value in the operating system's form, mostly bytes; None if it is not set."""
        return environment.get(self.key)

    def get(self) -> str | None:
        """Return its value; None if it is not set."""
        raw = environment.get(self.key)
        return None if raw is None else os.environ.decodevalue(raw)
