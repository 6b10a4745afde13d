"""The script or notebook whose classes and functions come to this process by value.

A worker has another module `__main__`, or runs the same script as a second one. What belongs to
the flow's `__main__` is found here instead, while one of the flow's tasks runs.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Names of what runs as a script; the second in processes that multiprocessing spawns.
MAINS: Final = frozenset({"__main__", "__mp_main__"})


class Script(NamedTuple):
    """The `__main__` of another process.

    Attributes:
        file: Its path; None for a notebook or the interpreter's prompt.
        module: The name under which it can be imported.
        names: Those of its globals that the running task's function uses.
    """

    file: str | None
    module: str
    names: Mapping[str, Any]

    def find(self, name: str) -> Any:
        """Return a class or function by its qualified name; None if the task does not use it."""
        first, *others = name.split(".")
        return reduce(lambda found, part: getattr(found, part, None), others, self.names.get(first))


script: ContextVar[Script | None] = ContextVar("prefectx_script", default=None)
"""The script of the running task's flow, if it is another process's; else None."""


def main_file() -> str | None:
    """Return the path of the script; None for a notebook or the interpreter's prompt."""
    if (other := script.get()) is not None:
        return other.file
    return getattr(sys.modules.get("__main__"), "__file__", None)


def find_in_main(name: str) -> Any:
    """Return a class or function of the script by its qualified name; None if there is none."""
    if (other := script.get()) is not None:
        return other.find(name)
    try:
        return reduce(getattr, name.split("."), sys.modules["__main__"])
    except (AttributeError, KeyError):
        return None
