"""Names by which a class, a function or a module is found again, in other processes too."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

_SCRIPTS: Final = frozenset({"__main__", "__mp_main__"})


def module_name(name: str) -> str:
    """Return the name of a module as importing it would give it, also of one run as a script.

    Args:
        name: The module's name, as in `__module__`.
    """
    if name not in _SCRIPTS:
        return name
    # What multiprocessing spawns has the script under the second name.
    module: Any = sys.modules.get(name) or sys.modules.get("__main__")
    spec = getattr(module, "__spec__", None)
    if spec is not None and spec.name not in _SCRIPTS:
        return str(spec.name)
    file = getattr(module, "__file__", None)
    # A notebook, and the interpreter's prompt, have none.
    return _name_of_file(file) if file is not None and file.endswith(".py") else "__main__"


@lru_cache(maxsize=8)
def _name_of_file(file: str) -> str:
    folder, stem = os.path.split(os.path.abspath(file)[: -len(".py")])
    parts = [stem]
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        parts.append(package)
    return ".".join(reversed(parts))


def found_name(value: Any, module: str | None = None, name: str | None = None) -> str | None:
    """Return the full name of a value if it is what that name finds, else None.

    Args:
        value: A module, a class, a function, or what says the same of itself.
        module: The name of the module it is in, if not what it says.
        name: Its qualified name, if not what it says.
    """
    if isinstance(value, ModuleType):
        return module_name(value.__name__) if sys.modules.get(value.__name__) is value else None
    module = module or getattr(value, "__module__", None)
    name = name or getattr(value, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)):
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    full_name = f"{module_name(module)}.{name}"
    if found is value:
        return full_name
    for within in _WITHIN:
        if getattr(found, within, None) is value:
            return f"{full_name}.{within}"
    return None


# The functions that what a name finds may stand for: of a class method, of a task.
_WITHIN: Final = ("__func__", "__wrapped__")
