"""Fingerprints of code: of a function and of everything in its project that it depends on."""

from __future__ import annotations

import dis
import functools
import sys
from importlib import import_module
from importlib.util import resolve_name
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from prefectx._identity.classes import own_attributes
from prefectx._identity.content_hash import digest
from prefectx._identity.names import module_name
from prefectx._identity.packages import is_of_one_package
from prefectx._identity.syntax import syntax_of
from prefectx._types import type_of
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"})
_GLOBALS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_STORES: Final = frozenset({"STORE_GLOBAL", "STORE_DEREF", "DELETE_GLOBAL", "DELETE_DEREF"})
_LOCALS: Final = frozenset({"LOAD_FAST", "STORE_FAST", "LOAD_DEREF", "STORE_DEREF"})
_FIXED: Final = frozenset({type(None), bool, int, float, complex, str, bytes, tuple, frozenset})
_GENERATED_IN: Final = (
    *("__dataclass_fields__", "__attrs_attrs__", "__pydantic_fields__", "_fields"),
)


def code_hash(fn: Callable[..., Any]) -> str:
    """Return a hash of a function's code and its dependencies; "" if it has no code."""
    return combined_hash(code_fingerprints(fn))


def combined_hash(fingerprints: Mapping[str, str]) -> str:
    """Return a hash of fingerprints; "" if there are none."""
    return digest(sorted(fingerprints.items())).hex()[:16] if fingerprints else ""


def code_fingerprints(fn: Callable[..., Any]) -> dict[str, str]:
    """Return fingerprints of all code that a function's output depends on, by name.

    This covers the function, the functions and classes of the same project that it uses,
    constants, its closure and its defaults, but not comments, docstrings and layout. Python's
    version matters only if there is no source: then byte code is compared.

    Args:
        fn: The function; if it is decorated, the decorator's wrapper is covered too.
    """
    return _Walk(fn).fingerprints


class _CodePart(NamedTuple):
    """A value that code uses, to be fingerprinted.

    Attributes:
        name: Its name, for people.
        value: The value.
        is_fixed: Whether it is compared by value, because tasks are not expected to change it.
    """

    name: str
    value: Any
    is_fixed: bool = True


class _Walk:
    """One walk from a function to everything that it uses."""

    def __init__(self, fn: Any) -> None:
        self.fingerprints: dict[str, str] = {}
        self._module = str(getattr(fn, "__module__", ""))
        self._seen: dict[int, Any] = {}
        self._waiting: list[_CodePart] = [_CodePart("", fn)]
        while self._waiting:
            self._look_at(self._waiting.pop())

    def _look_at(self, found: _CodePart) -> None:
        value = found.value
        inside = _inside(value)
        if isinstance(value, ModuleType | BuiltinFunctionType):
            return
        if not (inside or isinstance(value, FunctionType | type)):
            self._constant(found)
        elif id(value) not in self._seen:
            self._seen[id(value)] = value
            if isinstance(value, FunctionType):
                self._function(value)
            elif isinstance(value, type):
                self._class(value)
            self._waiting += [_CodePart(found.name, part) for part in inside]

    def _function(self, fn: FunctionType) -> None:
        name = f"{module_name(fn.__module__ or '')}.{fn.__qualname__}"
        if not self._is_own(fn.__module__):
            return
        text = syntax_of(fn)
        # A wrapper has the name of the function that it wraps.
        while name in self.fingerprints:
            name += "'"
        self.fingerprints[name] = _fingerprint(fn.__code__ if text is None else text)
        changed = {str(i.argval) for i in _instructions(fn.__code__) if i.opname in _STORES}
        for free, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
            if free not in changed:
                where = f"{name}, {free} of its closure"
                self._waiting += [_CodePart(where, value) for value in _content(cell)]
        for key, value in _defaults(fn):
            self._waiting.append(_CodePart(f"{name}, default of {key}", value))
        for module, key, value in _references(fn):
            if key not in changed and self._is_own(module):
                # A name that is not in capitals may be a cache, which tasks change.
                self._waiting.append(
                    _CodePart(f"{module_name(module)}.{key}", value, key.isupper())
                )
        self._waiting += [_CodePart(name, kind) for kind in _class_of(fn)]

    def _class(self, kind: type[Any]) -> None:
        if not self._is_own(kind.__module__):
            return
        name = f"{module_name(kind.__module__)}.{kind.__qualname__}"
        is_generated = any(mark in vars(kind) for mark in _GENERATED_IN)
        for key, value in own_attributes(kind).items():
            code = getattr(value, "__code__", None)
            if is_generated and code is not None and code.co_filename.startswith("<"):
                # Generated code follows from the fields.
                continue
            is_private = key.startswith("_") and not key.endswith("__")
            self._waiting.append(_CodePart(f"{name}.{key}", value, not is_private))
        self._waiting += [_CodePart(name, base) for base in kind.__bases__]

    def _constant(self, found: _CodePart) -> None:
        if found.is_fixed or type_of(found.value) in _FIXED:
            self.fingerprints[found.name] = _fingerprint(found.value)
        else:
            self.fingerprints[found.name] = type_of(found.value).__qualname__

    def _is_own(self, module: str | None) -> bool:
        return module is not None and is_of_one_package(module, self._module)


def _inside(value: Any) -> list[Any]:
    """Return the functions within a wrapper, a partial, a method or a property."""
    if isinstance(value, type | FunctionType):
        wrapped = vars(value).get("__wrapped__")
        return [] if wrapped is None else [wrapped]
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, MethodType | staticmethod | classmethod):
        return [cast("Any", value).__func__]
    if isinstance(value, property):
        return [part for part in (value.fget, value.fset, value.fdel) if part is not None]
    # A task, a decorator's wrapper, a function with `functools.cache`.
    inside = getattr(value, "__wrapped__", None)
    return [] if inside is None else [inside]


def _fingerprint(value: Any) -> str:
    try:
        return digest(value).hex()[:16]
    except UnsupportedValue:
        return type_of(value).__qualname__


def _instructions(code: CodeType) -> Iterator[dis.Instruction]:
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)


def _content(cell: CellType) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # the name is not bound yet
        return []


def _defaults(fn: FunctionType) -> Iterator[tuple[str, Any]]:
    values = fn.__defaults__ or ()
    names = fn.__code__.co_varnames[: fn.__code__.co_argcount]
    yield from zip(names[len(names) - len(values) :], values, strict=True)
    yield from (fn.__kwdefaults__ or {}).items()


def _references(fn: FunctionType) -> Iterator[tuple[str, str, Any]]:
    """Yield the globals and module attributes that a function uses: module, name and value."""
    here: Any = None
    imported: dict[str, Any] = {}
    constants: list[Any] = [0, None]
    for instruction in _instructions(fn.__code__):
        kind, name = instruction.opname, str(instruction.argval)
        if kind in _GLOBALS and name in fn.__globals__:
            here = fn.__globals__[name]
            yield fn.__module__, name, here
        elif kind == "IMPORT_NAME":
            here = _import(name, constants[0], constants[1], fn.__globals__.get("__package__"))
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
            constants = [constants[-1], instruction.argval]


def _import(name: str, level: Any, names: Any, package: str | None) -> ModuleType | None:
    """Return the module that an import statement within a function imports."""
    try:
        full = resolve_name("." * level + name, package) if level else name
        module = sys.modules.get(full) or import_module(full)
        # `import a.b` binds `a`.
        return module if names or level else sys.modules[full.partition(".")[0]]
    except Exception:  # noqa: BLE001 - the function's own import will raise it
        return None


def _class_of(fn: FunctionType) -> list[type[Any]]:
    """Return the class of a method, whose attributes it may use; an empty list for a function."""
    found: Any = sys.modules.get(fn.__module__ or "")
    for part in fn.__qualname__.split(".")[:-1]:
        found = getattr(found, part, None)
    return [found] if isinstance(found, type) else []
