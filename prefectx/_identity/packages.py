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
    if folder is None or file is None or is_installed(module):
        return False
    return file.startswith(folder + os.sep)


def is_installed(module: str) -> bool:
    """Tell whether a module was installed, as packages of others are, or is part of Python."""
    loaded = sys.modules.get(module)
    file = _file(module)
    if file is None:
        # The prompt and a notebook have no file, nor what is made while the program runs.
        return getattr(getattr(loaded, "__spec__", None), "origin", None) == "built-in"
    return any(part in file for part in _INSTALLED)


def _root(module: str) -> str | None:
    """Return the folder that contains a module's package; None for an installed package."""
    file = _file(module)
    if file is None or is_installed(module):
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
