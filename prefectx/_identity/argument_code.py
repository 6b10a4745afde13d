"""Code in arguments: of functions, tasks and classes, and of the classes of objects."""

from __future__ import annotations

import sys
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from prefectx._identity.code_hash import Code, combined_hash
from prefectx._identity.packages import is_installed, is_of_one_package

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Parsing source takes a millisecond, and each call may be given the same class.
_KNOWN: Final[WeakKeyDictionary[Any, Code]] = WeakKeyDictionary()
# The values that a class's methods use may refer to the class, so weak keys would never go.
_MOST: Final = 1024


def code_in_argument(found: Iterable[Any], task: str) -> dict[str, str]:
    """Return fingerprints of the code of classes, functions and tasks, by name.

    What Python, prefectx and installed packages define counts by its name only, except the package
    of the task itself.

    Args:
        found: The classes, functions and tasks in an argument.
        task: The qualified name of the task.
    """
    parts: set[tuple[str, str]] = set()
    for code in found:
        name = "__name__" if isinstance(code, ModuleType) else "__module__"
        module: object = getattr(code, name, None)
        if isinstance(module, str) and _is_of_project(module, task):
            parts.update(_fingerprints(code).items())
    named: dict[str, str] = {}
    # Sorted: sets, for instance, have their elements in another order in each process.
    for part, fingerprint in sorted(parts):
        # Two lambdas of one module have one name.
        name = part
        while name in named:
            name += "'"
        named[name] = fingerprint
    return named


def hashes_of(code: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the hash of the code in each argument that has any, as records have it."""
    return {name: combined_hash(parts) for name, parts in code.items()}


@lru_cache(maxsize=1024)
def _is_of_project(module: str, task: str) -> bool:
    """Tell whether a module is of the user's own, or of the package of the task."""
    if module.partition(".")[0] in sys.stdlib_module_names:
        return False
    return is_of_one_package(module, task) or not is_installed(module)


def _fingerprints(code: Any) -> Mapping[str, str]:
    try:
        known = _KNOWN.get(code)
        if known is None or not known.is_current():
            if len(_KNOWN) >= _MOST:
                _KNOWN.clear()
            known = _KNOWN[code] = Code(code)
    except TypeError:
        # A class whose metaclass defines `__eq__` alone is not hashable.
        known = Code(code)
    return known.fingerprints
