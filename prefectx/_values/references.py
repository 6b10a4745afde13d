"""How tasks travel between processes: by the name that their module knows them by."""

from __future__ import annotations

import importlib
import sys
from typing import Any, TypeGuard


def is_wrapped(found: Any) -> TypeGuard[staticmethod[..., Any] | classmethod[Any, ..., Any]]:
    """Tell whether `found` is a static or class method as its class keeps it."""
    return isinstance(found, staticmethod | classmethod)


def function_in(found: Any) -> Any:
    """Return the function, or task, that a static or class method holds; else `found`."""
    return found.__func__ if is_wrapped(found) else found


def is_importable(value: Any) -> bool:
    """Tell whether another process finds `value` by its module and qualified name."""
    if value.__module__ == "__main__":
        return False
    found: Any = sys.modules.get(value.__module__)
    for name in value.__qualname__.split("."):
        found = function_in(getattr(found, "__dict__", {}).get(name))
    return found is value


def imported(module: str, qualified_name: str) -> Any:
    """Return what a module knows by a qualified name."""
    found: Any = importlib.import_module(module)
    for name in qualified_name.split("."):
        found = function_in(found.__dict__[name])
    return found


def name_of(fn: Any) -> str:
    """Return a function's name; an object that can be called has that of its class."""
    name: str = getattr(fn, "__name__", type(fn).__name__)
    return name


def qualified_name_of(fn: Any) -> str:
    """Return a function's qualified name; an object that can be called has that of its class."""
    name: str = getattr(fn, "__qualname__", type(fn).__qualname__)
    return name
