"""The folder that relative roots of stores begin at: where the outermost flow was called.

A task may change the current folder, of all threads at once. If roots moved with it, outputs would
lie where no later run looks for them.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import Final

start_folder: Final[ContextVar[str | None]] = ContextVar("prefectx_start_folder", default=None)
"""The current folder when the outermost flow was called; None outside any flow."""


def start_folder_here() -> str:
    """Return the folder that relative roots begin at: outside any flow, the current one.

    It is "" if the current folder was removed.
    """
    if (folder := start_folder.get()) is not None:
        return folder
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""
