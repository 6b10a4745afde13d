"""Test whether two modules belong to the same project: a package, or files in one folder."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from types import FunctionType, ModuleType
from typing import Any, Final


class Project:
    """The project that a module belongs to.

    Args:
        home: The name of the module.
    """

    def __init__(self, home: str) -> None:
        self._home = home
        self._known: dict[str | None, bool] = {}

    def has(self, module: str | None) -> bool:
        """Tell whether a module belongs to the project, by its name."""
        if module not in self._known:
            # `exec` without names makes functions of no module: the project's, whoever calls it.
            self._known[module] = module is None or is_of_one_package(module, self._home)
        return self._known[module]

    def has_code(self, value: FunctionType | type[Any] | ModuleType) -> bool:
        """Tell whether a function, a class or a module belongs to the project.

        What was loaded by its file is found by it: `spec_from_file_location`, `runpy.run_path`.
        """
        name: Any = value.__name__ if isinstance(value, ModuleType) else value.__module__
        if name not in self._known and name is not None and name not in sys.modules:
            file, folder = _file_of_code(value), _root(self._home)
            is_here = file is not None and folder is not None and _is_below(file, folder)
            self._known[name] = is_here or is_of_one_package(name, self._home)
        return self.has(name)


def _file_of_code(value: Any) -> str | None:
    """Return the file in which a module, a function or a class was made."""
    if isinstance(value, type):
        functions = (each for each in vars(value).values() if isinstance(each, FunctionType))
        value = next(functions, None)
    names = vars(value) if isinstance(value, ModuleType) else getattr(value, "__globals__", {})
    file: object = names.get("__file__")
    return os.path.abspath(file) if isinstance(file, str) else None


def _is_below(file: str, folder: str) -> bool:
    return file.startswith(folder + os.sep) and not any(part in file for part in _INSTALLED)


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
