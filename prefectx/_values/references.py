"""References to tasks and functions by module and qualified name, for other processes."""

from __future__ import annotations

import importlib
import sys
from typing import Any, TypeGuard


def is_static_or_class_method(
    found: Any,
) -> TypeGuard[staticmethod[..., Any] | classmethod[Any, ..., Any]]:
    """Tell whether `found` is a `staticmethod` or `classmethod` object."""
    return isinstance(found, staticmethod | classmethod)


def function_in(found: Any) -> Any:
    """Return the function or task in a static or class method; otherwise `found` itself."""
    return found.__func__ if is_static_or_class_method(found) else found


def is_importable(value: Any) -> bool:
    """Tell whether another process can import `value` by its module and qualified name."""
    if value.__module__ == "__main__":
        return False
    found: Any = sys.modules.get(value.__module__)
    for name in value.__qualname__.split("."):
        found = function_in(getattr(found, "__dict__", {}).get(name))
    return found is value


def import_by_name(module: str, qualified_name: str) -> Any:
    """Import a module and return the object with a qualified name in it."""
    found: Any = importlib.import_module(module)
    for name in qualified_name.split("."):
        found = function_in(found.__dict__[name])
    return found


def name_of(fn: Any) -> str:
    """Return a function's name; for another callable, that of its class."""
    name: str = getattr(fn, "__name__", type(fn).__name__)
    return name


def qualified_name_of(fn: Any) -> str:
    """Return a function's qualified name; for another callable, that of its class."""
    name: str = getattr(fn, "__qualname__", type(fn).__qualname__)
    return name
