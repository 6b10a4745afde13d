"""Test whether two modules belong to the same project: a package, or files in one folder."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Final

_INSTALLED: Final = ("site-packages", "dist-packages")
# It runs a project's tasks, and is a part of none, wherever it lies.
_NEVER_PART: Final = "prefectx"


def is_of_one_package(module: str, other: str) -> bool:
    """Tell whether a module belongs to the same package as another, or to the same project.

    Args:
        module: The name of a module, which need not be imported yet.
        other: The name of the other.
    """
    if module == other or _top(module) == _top(other):
        return True
    folder, file = _root(other), _file(module)
    if folder is None or file is None or is_installed(module):
        return False
    return file.startswith(folder + os.sep)


def is_installed(module: str) -> bool:
    """Tell whether a module was installed, as packages of others are, or is part of Python.

    prefectx itself counts as installed, wherever it lies.
    """
    if _top(module) == _NEVER_PART:
        return True
    file = _file(module)
    if file is None:
        loaded = sys.modules.get(module)
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
    loaded = sys.modules.get(module)
    file = _file_of_package(module) if loaded is None else getattr(loaded, "__file__", None)
    return None if file is None else os.path.abspath(file)


def _file_of_package(module: str) -> str | None:
    """Return the file of the package that contains a module, without importing either."""
    try:
        spec = find_spec(_top(module))
    except ValueError:  # a module without a spec, such as __main__
        return None
    if spec is None or spec.has_location:
        return None if spec is None else spec.origin
    # A namespace package has folders, but no file.
    folders = list(spec.submodule_search_locations or ())
    return os.path.join(folders[0], "__init__.py") if folders else None


def _top(module: str) -> str:
    return module.partition(".")[0]
