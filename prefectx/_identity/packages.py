"""Test whether two modules belong to the same project: a package, or files in one folder."""

from __future__ import annotations

import os
import sys
from typing import Final

_INSTALLED: Final = ("site-packages", "dist-packages")


def is_of_one_package(module: str, other: str) -> bool:
    """Tell whether a module belongs to the same package as another, or to the same project.

    Args:
        module: The name of a module.
        other: The name of the other.
    """
    if module == other or _top(module) == _top(other):
        return True
    folder, file = _root(other), _file(module)
    if folder is None or file is None or any(part in file for part in _INSTALLED):
        return False
    return file.startswith(folder + os.sep)


def _root(module: str) -> str | None:
    """Return the folder that contains a module's package; None for an installed package."""
    file = _file(module)
    if file is None or any(part in file for part in _INSTALLED):
        return None
    folder = os.path.dirname(file)
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder = os.path.dirname(folder)
    return folder


def _file(module: str) -> str | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return None if file is None else os.path.abspath(file)


def _top(module: str) -> str:
    return module.partition(".")[0]
