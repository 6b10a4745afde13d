"""Names by which a class, a function or a module can be imported in other processes."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

from prefectx._settings.script import MAINS, script

# Modules that have moved from one version of Python to the next.
_MOVED: Final = {"pathlib._local": "pathlib"}


def module_name(name: str) -> str:
    """Return the name under which a module can be imported, also if it runs as a script.

    Args:
        name: The module's name, as in `__module__`.
    """
    if name not in MAINS:
        return _MOVED.get(name, name)
    if (other := script.get()) is not None:
        return other.module
    # A process that multiprocessing spawns has the script as __mp_main__.
    module: Any = sys.modules.get(name) or sys.modules.get("__main__")
    spec = getattr(module, "__spec__", None)
    if spec is not None and spec.name not in MAINS:
        return str(spec.name)
    file = getattr(module, "__file__", None)
    # A notebook and the interactive prompt have no file.
    return _name_of_file(file) if file is not None and file.endswith(".py") else "__main__"


def module_of(fn: Any) -> str:
    """Return the name of a function's module; for a script, the name that it is imported by."""
    module: str = fn.__module__
    if module not in MAINS:
        return module
    # Stored on the function, because another process may have another script as `__main__`.
    if not hasattr(fn, "__prefectx_module__"):
        fn.__prefectx_module__ = module_name(module)
    name: str = fn.__prefectx_module__
    return name


@lru_cache(maxsize=8)
def _name_of_file(file: str) -> str:
    folder, stem = os.path.split(os.path.abspath(file)[: -len(".py")])
    parts = [stem]
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        parts.append(package)
    return ".".join(reversed(parts))


def importable_name(value: Any, module: str | None = None, name: str | None = None) -> str | None:
    """Return the full name of a value if the value can be imported by it, else None.

    Args:
        value: A module, a class, a function, or another object with `__module__` and
            `__qualname__`.
        module: The name of its module, if not its `__module__`.
        name: Its qualified name, if not its `__qualname__`.
    """
    if isinstance(value, ModuleType):
        return module_name(value.__name__) if sys.modules.get(value.__name__) is value else None
    module = module or getattr(value, "__module__", None)
    name = name or getattr(value, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)):
        return None
    full_name = f"{module_name(module)}.{name}"
    if module in MAINS and (other := script.get()) is not None:
        found: Any = other.find(name)
        if found is None and all(map(str.isidentifier, name.split("."))):
            # It has come by value, with the arguments: the task's function does not name it.
            return full_name
    else:
        found = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
    if found is value:
        return full_name
    for within in _WITHIN:
        if getattr(found, within, None) is value:
            return f"{full_name}.{within}"
    return None


# Attributes with the function of an imported object: of a class method, of a task.
_WITHIN: Final = ("__func__", "__wrapped__")
