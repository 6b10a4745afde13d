"""References of code: the globals and the attributes of modules that a function looks up."""

from __future__ import annotations

import dis
import sys
from functools import lru_cache
from importlib import import_module
from importlib.util import resolve_name
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"})
_GLOBALS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_LOCALS: Final = frozenset({"LOAD_FAST", "STORE_FAST", "LOAD_DEREF", "STORE_DEREF"})


# Tasks of one project use the same functions.
@lru_cache(maxsize=4096)
def instructions(code: CodeType) -> tuple[tuple[str, Any], ...]:
    """Return the name and the value of each instruction, also of functions inside."""
    found = [(one.opname, one.argval) for one in dis.get_instructions(code)]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += instructions(constant)
    return tuple(found)


def references(fn: FunctionType, is_own: Callable[[str], bool]) -> Iterator[tuple[str, str, Any]]:
    """Yield the globals and module attributes that a function uses: module, name and value.

    Args:
        fn: The function.
        is_own: Whether a module belongs to the function's project. Others are not imported here.
    """
    here: Any = None
    imported: dict[str, Any] = {}
    constants: list[Any] = [0, None]
    for kind, value in instructions(fn.__code__):
        name = str(value)
        if kind in _GLOBALS and name in fn.__globals__:
            here = fn.__globals__[name]
            yield fn.__module__, name, here
        elif kind == "IMPORT_NAME":
            package = fn.__globals__.get("__package__")
            here = _import(name, constants[0], constants[1], package, is_own)
        elif kind in _ATTRIBUTES and isinstance(here, ModuleType):
            module, found = here, getattr(here, name, None)
            yield module.__name__, name, found
            # Several names may be imported from one module.
            here = module if kind == "IMPORT_FROM" and constants[-1] else found
            imported[""] = found
        elif kind in _LOCALS:
            if kind.startswith("STORE"):
                imported[name] = imported.pop("", here)
            here = imported.get(name)
        elif kind == "LOAD_CONST":
            constants = [constants[-1], value]


def _import(
    name: str, level: Any, names: Any, package: str | None, is_own: Callable[[str], bool]
) -> ModuleType | None:
    """Return the module that an import statement within a function imports."""
    try:
        full = resolve_name("." * level + name, package) if level else name
        if full not in sys.modules and not is_own(full):
            # It may be large, or have no use in this call.
            return None
        module = sys.modules.get(full) or import_module(full)
        # `import a.b` binds `a`.
        return module if names or level else sys.modules[full.partition(".")[0]]
    except Exception:  # noqa: BLE001 - the function's own import will raise it
        return None
