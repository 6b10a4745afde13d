"""References of code: the globals and the attributes of modules that a function looks up."""

from __future__ import annotations

import dis
import re
import sys
from functools import lru_cache
from importlib import import_module
from importlib.util import resolve_name
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefectx._identity.packages import Project

STORES: Final = frozenset({"STORE_GLOBAL", "STORE_DEREF", "DELETE_GLOBAL", "DELETE_DEREF"})
"""The instructions with which a function assigns to names outside it."""

_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_GLOBALS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_LOADS: Final = frozenset({"LOAD_FAST", "LOAD_DEREF", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW"})
_LOCAL_STORES: Final = frozenset({"STORE_FAST", "STORE_DEREF"})
# Between the parts of `import a.b as c`.
_MOVES: Final = frozenset({"SWAP", "POP_TOP", "COPY", "ROT_TWO"})
# Instructions without a meaning of their own.
_FILLING: Final = frozenset({"EXTENDED_ARG", "CACHE", "NOP", "PUSH_NULL"})
# Functions that look up what a text names.
_FIND_NAMES: Final = frozenset({"globals", "locals", "eval", "exec"})
_FIND_MODULES: Final = frozenset({"import_module", "__import__", "modules"})
_WORD: Final = re.compile(r"[^\W\d]\w*")


# Tasks of one project use the same functions.
@lru_cache(maxsize=4096)
def instructions(code: CodeType) -> tuple[tuple[str, Any], ...]:
    """Return the name and the value of each instruction, also of functions inside."""
    found: list[tuple[str, Any]] = []
    for one in dis.get_instructions(code):
        value: Any = cast("Any", one).argval
        if one.opname.count("_FAST") > 1 and type_of(value) is tuple:
            # Python 3.13 has one instruction for two: STORE_FAST_LOAD_FAST.
            kinds = one.opname.replace("_FAST", "").split("_")
            found += [(f"{kind}_FAST", name) for kind, name in zip(kinds, value, strict=False)]
        elif one.opname not in _FILLING:
            found.append((one.opname, value))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += instructions(constant)
    return tuple(found)


@lru_cache(maxsize=4096)
def names_used(code: CodeType) -> frozenset[str]:
    """Return the globals and attributes that code looks up, also by a constant text."""
    kinds = _GLOBALS | _ATTRIBUTES | {"LOAD_CONST"}
    found = instructions(code)
    return frozenset(value for kind, value in found if kind in kinds and type_of(value) is str)


def references(fn: FunctionType, project: Project) -> Iterator[tuple[str, str, Any]]:
    """Yield the globals and module attributes that a function uses: module, name and value.

    A module of the project is among them only if the function uses it otherwise than by an
    attribute: it may then look up whatever is in it.

    Args:
        fn: The function.
        project: The function's project. Other modules are not imported here.
    """
    reader = _Reader(fn, project)
    found = instructions(fn.__code__)
    for (kind, value), (following, _) in zip(found, (*found[1:], ("", None)), strict=True):
        for module, name, referred in reader.read(kind, value):
            if _is_own_module(referred, project) and following in {*_ATTRIBUTES, *_LOCAL_STORES}:
                continue
            yield module, name, referred
    yield from _found_by_texts(fn, found, project)


class _Reader:
    """Reads a function's instructions in order, and follows the modules that it uses."""

    def __init__(self, fn: FunctionType, project: Project) -> None:
        self._fn = fn
        self._project = project
        #: What the last instruction has found, if it is a global or in a module.
        self._here: Any = None
        #: The module that an import statement takes names from.
        self._source: ModuleType | None = None
        self._locals: dict[str, Any] = {}
        self._constants: list[Any] = [0, None]

    def read(self, kind: str, value: Any) -> Iterator[tuple[str, str, Any]]:
        """Yield what an instruction refers to."""
        before, name = self._here, str(value)
        if kind not in _MOVES:
            self._here = None
        if kind in _GLOBALS and name in self._fn.__globals__:
            self._here = self._fn.__globals__[name]
            yield self._fn.__module__, name, self._here
        elif kind in _ATTRIBUTES and isinstance(before, ModuleType):
            self._here = getattr(before, name, None)
            yield before.__name__, name, before if name == "__dict__" else self._here
        elif kind == "LOAD_CONST":
            self._constants = [self._constants[-1], value]
        elif kind.startswith("IMPORT"):
            yield from self._import(kind, name)
        elif kind in _LOCAL_STORES:
            self._locals[name] = before
        elif kind in _LOADS:
            self._here = self._locals.get(name)
            if isinstance(self._here, ModuleType):
                yield self._here.__name__, "", self._here

    def _import(self, kind: str, name: str) -> Iterator[tuple[str, str, Any]]:
        level, names = self._constants
        if kind == "IMPORT_NAME":
            package = self._fn.__globals__.get("__package__")
            self._here = self._source = _import(name, level, names, package, self._project)
        elif self._source is not None:
            self._here = getattr(self._source, name, None)
            if not _is_own_module(self._here, self._project):
                yield self._source.__name__, name, self._here
            if not names:
                # `import a.b as c` takes `b` from `a`.
                self._source = self._here


def _is_own_module(value: Any, project: Project) -> bool:
    return isinstance(value, ModuleType) and project.has_code(value)


def _found_by_texts(
    fn: FunctionType, found: tuple[tuple[str, Any], ...], project: Project
) -> Iterator[tuple[str, str, Any]]:
    """Yield what constant texts name where a function looks up names: `globals()["h"]`."""
    used = {str(value) for kind, value in found if kind in _GLOBALS or kind in _ATTRIBUTES}
    texts = [value for kind, value in found if kind == "LOAD_CONST" and isinstance(value, str)]
    builtins = {str(value) for kind, value in found if kind in _GLOBALS}.difference(fn.__globals__)
    if not _FIND_NAMES.isdisjoint(builtins):
        words = {word for text in texts for word in _WORD.findall(text)}
        named = sorted(words.intersection(fn.__globals__))
        for name in named:
            yield fn.__module__, name, fn.__globals__[name]
        if not named and fn.__module__ in sys.modules:
            # It may be whatever is in the module.
            yield fn.__module__, "", sys.modules[fn.__module__]
    if not _FIND_MODULES.isdisjoint(used):
        package = fn.__globals__.get("__package__")
        for text in texts:
            level = len(text) - len(text.lstrip("."))
            if all(map(str.isidentifier, text[level:].split("."))):
                module = _import(text[level:], level, ("",), package, project)
                if module is not None and project.has_code(module):
                    yield module.__name__, "", module


def _import(
    name: str, level: Any, names: Any, package: str | None, project: Project
) -> ModuleType | None:
    """Return the module that an import statement within a function imports."""
    try:
        full = resolve_name("." * level + name, package) if level else name
        if full not in sys.modules and not project.has(full):
            # It may be large, or have no use in this call.
            return None
        module = sys.modules.get(full) or import_module(full)
        # `import a.b` binds `a`.
        return module if names or level else sys.modules[full.partition(".")[0]]
    except Exception:  # noqa: BLE001 - the function's own import will raise it
        return None
