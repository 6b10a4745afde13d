"""Fingerprints of code: of a function and of everything in its project that it depends on."""

from __future__ import annotations

import functools
import os
import sys
from types import CellType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from weakref import ref

from prefectx._identity.classes import own_attributes
from prefectx._identity.content_hash import (
    digest,
    digest_if_comparable,
    digest_of_known_parts,
)
from prefectx._identity.names import module_name
from prefectx._identity.objects_with_code import (
    elements_of,
    is_collection,
    is_immutable,
    is_named_code,
    is_wrapper,
    name_of_code,
    wrapped_in,
)
from prefectx._identity.packages import is_of_one_package
from prefectx._identity.references import instructions, references
from prefectx._identity.syntax import syntax_of
from prefectx._types import type_of
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_STORES: Final = frozenset({"STORE_GLOBAL", "STORE_DEREF", "DELETE_GLOBAL", "DELETE_DEREF"})
_FIXED: Final = frozenset({type(None), bool, int, float, complex, str, bytes, tuple, frozenset})
_GENERATED_IN: Final = (
    *("__dataclass_fields__", "__attrs_attrs__", "__pydantic_fields__", "_fields"),
)


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
    return Code(fn).fingerprints


class Code:
    """The code that a function's output depends on, as it was when it was looked at.

    Args:
        fn: The function.

    Attributes:
        fingerprints: What `code_fingerprints` returns.
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        walk = _Walk(fn)
        self.fingerprints = walk.fingerprints
        self._names = walk.names
        self._members = walk.members
        self._functions = walk.functions

    def is_current(self) -> bool:
        """Tell whether all names in it still stand for the same objects.

        They do not after a cell of a notebook has run again, or a module was reloaded.
        """
        return (
            all(namespace.get(name, _ABSENT) is value for namespace, name, value in self._names)
            and all(
                (kind := of()) is None or vars(kind).get(name, _ABSENT) is value
                for of, name, value in self._members
            )
            and all((fn := of()) is None or fn.__code__ is code for of, code in self._functions)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # What the names stand for is no other process's business, and can be much.
        return (CodeOfOtherProcess, (self.fingerprints,))


class CodeOfOtherProcess(NamedTuple):
    """The code of a function that came by value, as the process saw it that has its source.

    Attributes:
        fingerprints: What `code_fingerprints` returned there.
    """

    fingerprints: Mapping[str, str]

    def is_current(self) -> bool:
        """Return True: each call brings the code along."""
        return True


_ABSENT: Final = object()


class _CodePart(NamedTuple):
    """A value that code uses, to be fingerprinted.

    Attributes:
        name: Its name, for people.
        value: The value.
        is_fixed: Whether it is compared by value, because tasks are not expected to change it.
        digest: The digest of the value, if it is known already.
    """

    name: str
    value: Any
    is_fixed: bool = True
    digest: bytes | None = None


class _Walk:
    """One walk from a function to everything that it uses."""

    def __init__(self, fn: Any) -> None:
        self.fingerprints: dict[str, str] = {}
        #: The names that functions look up, with what was found there.
        self.names: list[tuple[Mapping[str, Any], str, Any]] = []
        #: The methods and the like of classes; weak, as who keeps code must not keep what has it.
        self.members: list[tuple[ref[type[Any]], str, Any]] = []
        #: The functions, with the code that they had: `%autoreload` changes it.
        self.functions: list[tuple[ref[FunctionType], CodeType]] = []
        is_module = isinstance(fn, ModuleType)
        self._module = fn.__name__ if is_module else str(getattr(fn, "__module__", ""))
        self._seen: dict[int, Any] = {}
        # What is not written in Python has no code.
        self._waiting: list[_CodePart] = [] if is_named_code(fn) else [_CodePart("", fn)]
        if is_module:
            self._waiting = self._parts_of_module(fn)
        while self._waiting:
            self._look_at(self._waiting.pop())

    def _parts_of_module(self, module: ModuleType) -> list[_CodePart]:
        """Return the functions, classes and constants of a module."""
        found = {
            key: value
            for key, value in vars(module).items()
            if key.isupper() or (not key.startswith("__") and self._has_code(value))
        }
        self.names += [(vars(module), key, value) for key, value in found.items()]
        name = module_name(module.__name__)
        return [_CodePart(f"{name}.{key}", each, key.isupper()) for key, each in found.items()]

    def _look_at(self, found: _CodePart) -> None:
        value = found.value
        if isinstance(value, FunctionType | type):
            if not self._is_own(value.__module__):
                # Which one it is counts, not its code.
                self.fingerprints[found.name] = name_of_code(value)
            elif id(value) in self._seen:
                return
            elif isinstance(value, FunctionType):
                self._function(value)
            else:
                self._class(cast("type[Any]", value))
        elif not is_wrapper(value):
            self._constant(found)
        if id(value) not in self._seen:
            self._seen[id(value)] = value
            self._waiting += self._inside(found)

    def _inside(self, found: _CodePart) -> list[_CodePart]:
        """Return the functions, classes and objects of the project that a value refers to."""
        name, value, is_fixed, _ = found
        if is_wrapper(value):
            # A partial's arguments are chosen when it is made; a method's object may change.
            is_fixed = is_fixed or isinstance(value, functools.partial)
            return [_CodePart(name + place, part, is_fixed) for place, part in wrapped_in(value)]
        if isinstance(value, FunctionType | type):
            wrapped = vars(value).get("__wrapped__")
            return [] if wrapped is None else [_CodePart(name, wrapped)]
        parts = [
            _CodePart(f"{name}[{place}]", part, is_fixed)
            for place, part in elements_of(value)
            if self._has_code(part)
        ]
        kind = type_of(value)
        return [*parts, _CodePart(name, kind)] if self._is_own(kind.__module__) else parts

    def _has_code(self, value: Any) -> bool:
        if isinstance(value, FunctionType | type):
            return self._is_own(value.__module__)
        if is_wrapper(value) or self._is_own(type_of(value).__module__):
            return True
        return is_collection(value) and not _FIXED.issuperset(
            type_of(part) for _, part in elements_of(value)
        )

    def _function(self, fn: FunctionType) -> None:
        name = f"{module_name(fn.__module__ or '')}.{fn.__qualname__}"
        if not self._is_own(fn.__module__):
            return
        text = syntax_of(fn)
        self.functions.append((ref(fn), fn.__code__))
        # A wrapper has the name of the function that it wraps.
        while name in self.fingerprints:
            name += "'"
        self.fingerprints[name] = _fingerprint(fn.__code__ if text is None else text)
        changed = {str(value) for kind, value in instructions(fn.__code__) if kind in _STORES}
        for free, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
            if free not in changed:
                where = f"{name}, {free} of its closure"
                self._waiting += [_given(where, value) for value in _content(cell)]
        for key, value in _defaults(fn):
            self._waiting.append(_given(f"{name}, default of {key}", value))
        for module, key, value in references(fn, self._is_own):
            if key not in changed and self._is_own(module):
                # Others count by their type only, and tasks may change them.
                if key.isupper() or self._has_code(value):
                    here = getattr(sys.modules.get(module), "__dict__", fn.__globals__)
                    self.names.append((here, key, here.get(key, _ABSENT)))
                # A name that is not in capitals may be a cache, which tasks change.
                self._waiting.append(
                    _CodePart(f"{module_name(module)}.{key}", value, key.isupper())
                )
        self._waiting += [_CodePart(name, kind) for kind in _class_of(fn)]
        # The functions that `functools.singledispatch` chooses from, for instance.
        self._waiting += [
            _CodePart(f"{name}.{key}", value, is_fixed=False)
            for key, value in vars(fn).items()
            if key != "__wrapped__" and self._has_code(value)
        ]

    def _class(self, kind: type[Any]) -> None:
        if not self._is_own(kind.__module__):
            return
        name = f"{module_name(kind.__module__)}.{kind.__qualname__}"
        is_generated = any(mark in vars(kind) for mark in _GENERATED_IN)
        for key, value in own_attributes(kind).items():
            # Dataclasses wrap the `__repr__` that they generate.
            code = getattr(getattr(value, "__wrapped__", value), "__code__", None)
            if is_generated and code is not None and code.co_filename.startswith("<"):
                # Generated code follows from the fields.
                continue
            if isinstance(value, FunctionType) or is_wrapper(value):
                self.members.append((ref(kind), key, vars(kind).get(key, _ABSENT)))
            is_private = key.startswith("_") and not key.endswith("__")
            self._waiting.append(_CodePart(f"{name}.{key}", value, not is_private))
        above = [base for base in (*kind.__bases__, type(kind)) if base not in {object, type}]
        self._waiting += [_CodePart(f"{name}, {base.__name__}", base) for base in above]

    def _constant(self, found: _CodePart) -> None:
        name, value, is_fixed, known = found
        if isinstance(value, ModuleType):
            if not self._is_own(value.__name__):
                self.fingerprints[name] = value.__name__
        elif is_named_code(value):
            self.fingerprints[name] = name_of_code(value)
        elif known is not None:
            self.fingerprints[name] = _shortened(known)
        elif is_fixed or type_of(value) in _FIXED or is_immutable(value):
            self.fingerprints[name] = _fingerprint(value)
        else:
            self.fingerprints[name] = type_of(value).__qualname__

    def _is_own(self, module: str | None) -> bool:
        return module is not None and is_of_one_package(module, self._module)


def _given(where: str, value: Any) -> _CodePart:
    """Return a value of a closure or a default, which tells a factory's functions apart."""
    kind = type_of(value)
    is_code = isinstance(value, FunctionType | type | ModuleType) or is_named_code(value)
    is_harmless = kind is object or kind.__module__ in _HARMLESS
    if is_code or is_harmless or is_wrapper(value):
        return _CodePart(where, value)
    if (found := digest_if_comparable(value)) is not None:
        return _CodePart(where, value, digest=found)
    # It may be another one in each process, and nothing tells whether it is.
    return _CodePart(f"{where}, which cannot be compared", _THIS_PROCESS)


# A marker, or what only keeps threads apart.
_HARMLESS: Final = frozenset({"_thread", "threading", "_contextvars", "weakref"})
_THIS_PROCESS: Final = os.urandom(8).hex()


def _fingerprint(value: Any) -> str:
    try:
        return _shortened(digest(value))
    except UnsupportedValue:
        return _shortened(digest_of_known_parts(value))


def _shortened(found: bytes) -> str:
    return found.hex()[:16]


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


def _class_of(fn: FunctionType) -> list[type[Any]]:
    """Return the class of a method, whose attributes it may use; an empty list for a function."""
    found: Any = sys.modules.get(fn.__module__ or "")
    for part in fn.__qualname__.split(".")[:-1]:
        found = getattr(found, part, None)
    return [found] if isinstance(found, type) else []
