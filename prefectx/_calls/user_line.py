"""The user's line that a warning points to, outside prefectx, Prefect and Python's own code."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from types import FrameType

_OURS: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LIBRARIES: Final = ("prefect", "distributed", "dask", "prefect_dask")
_STANDARD_LIBRARY: Final = os.path.dirname(os.__file__) + os.sep
_INSTALLED: Final = os.sep + "site-packages" + os.sep


class UserLine(NamedTuple):
    """A line of the user's code.

    Attributes:
        file: The file.
        number: The line number.
        names: The module's globals, in which `warnings` keeps its registry.
    """

    file: str
    number: int
    names: dict[str, Any]

    def warn(self, message: str, kind: type[Warning]) -> None:
        """Issue a warning at this line."""
        warnings.warn_explicit(
            message,
            kind,
            self.file,
            self.number,
            module=self.names.get("__name__"),
            registry=self.names.setdefault("__warningregistry__", {}),
            source=None,
        )


def user_line(default: UserLine | None = None) -> UserLine:
    """Return the innermost line of the stack that is in the user's code.

    Args:
        default: The line to return if there is none, as in a thread that Prefect has started; if
            it is None, the line of the caller.
    """
    here: FrameType = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    frame: FrameType | None = here
    while frame is not None and _is_library_code(frame):
        frame = frame.f_back
    if frame is None and default is not None:
        return default
    found = frame or here
    return UserLine(found.f_code.co_filename, found.f_lineno, found.f_globals)


def _is_library_code(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    if file.startswith(("<frozen", _OURS + os.sep)):
        return True
    if file.startswith(_STANDARD_LIBRARY) and _INSTALLED not in file:
        return True
    return str(frame.f_globals.get("__name__")).partition(".")[0] in _LIBRARIES
