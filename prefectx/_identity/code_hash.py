"""Fingerprints of code: of a function and of everything in its project that it depends on."""

from __future__ import annotations

import functools
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from prefectx._identity.assignments import assignment, is_set_from_outside
from prefectx._identity.classes import own_attributes
from prefectx._identity.code_parts import (
    FIXED,
    OF_TUPLES,
    CodePart,
    class_of,
    content_of,
    defaults_of,
    fingerprint,
    given,
    is_fixed_value,
    shortened,
)
from prefectx._identity.content_hash import digest
from prefectx._identity.global_names import STORES, instructions, names_used, references
from prefectx._identity.names import module_name
from prefectx._identity.objects_with_code import (
    elements_of,
    is_collection,
    is_named_code,
    is_wrapper,
    name_of_code,
    wrapped_in,
)
from prefectx._identity.observed import Observed
from prefectx._identity.packages import Project
from prefectx._identity.read_values import ABSENT, is_data
from prefectx._identity.reads import Reads
from prefectx._identity.set_from_outside import (
    attributes_of_function,
    derived_classes,
    full_name,
    registered_with,
    texts_read,
)
from prefectx._identity.syntax import syntax_of
from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DEPTH: Final = 2
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
        self._observed = walk.observed
        self._observed.leave_out_what_is_stored()

    def is_current(self) -> bool:
        """Tell whether all names in it still stand for the same objects.

        They do not after a cell of a notebook has run again, or a module was reloaded, or somebody
        has set a constant or the attribute of a class.
        """
        return self._observed.is_current()

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process needs only the fingerprints; the values of the names can be large.
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


class _Walk:
    """One walk from a function to everything that it uses."""

    def __init__(self, fn: Any) -> None:
        self.fingerprints: dict[str, str] = {}
        self.observed = Observed()
        is_module = isinstance(fn, ModuleType)
        home = fn.__name__ if is_module else str(getattr(fn, "__module__", ""))
        self._project = Project(home)
        self._reads = Reads(self._project)
        self._seen: dict[int, Any] = {}
        self._assignments: set[tuple[str, str, str]] = set()
        # A function that is not written in Python has no code.
        self._waiting: list[CodePart] = [] if is_named_code(fn) else [CodePart("", fn)]
        if is_module:
            self._waiting = self._parts_of_module(fn)
        self._used: set[str] = set()
        self._attributes: list[tuple[FunctionType | type[Any], str]] = []
        while self._waiting:
            self._look_at(self._waiting.pop())
            if not self._waiting and "__subclasses__" in self._used:
                self._waiting += self._derived()
        self._look_at_attributes()
        self._look_at_reads()
        own = [value for value in self._seen.values() if self._project.has(_module_of(value))]
        for name, text in texts_read(self._used, own):
            self.fingerprints[name] = fingerprint(text)

    def _derived(self) -> list[CodePart]:
        """Return the classes of the project that `__subclasses__` finds and nobody looked at."""
        found: list[CodePart] = []
        for kind in [value for value in self._seen.values() if isinstance(value, type)]:
            if self._project.has_code(kind):
                own = [each for each in derived_classes(kind) if self._project.has_code(each)]
                self._named_classes(f"{full_name(kind)}, derived", own)
                found += [CodePart("", each) for each in own if id(each) not in self._seen]
        return found

    def _named_classes(self, name: str, kinds: list[type[Any]]) -> None:
        if kinds:
            self.fingerprints[name] = fingerprint([full_name(kind) for kind in kinds])

    def _look_at_attributes(self) -> None:
        """Add what was set on functions and classes; not counters, which functions set."""
        for owner, key in self._attributes:
            value = vars(owner).get(key)
            if key in self.observed.stored:
                continue
            is_of_class = isinstance(owner, type) and is_data(value)
            if is_fixed_value(value) or is_of_class:
                self.observed.member(owner, key)
                self.fingerprints[f"{full_name(owner)}.{key}"] = fingerprint(value)
            else:
                self._assigned(owner.__module__, f"{owner.__qualname__}.{key}")

    def _look_at_reads(self) -> None:
        """Add what is read of values that can change, if nothing changes them."""
        for root in self._reads.roots():
            for steps, value in root.only_read():
                self.observed.read(root, steps, value)
                # Of a constant the whole counts.
                if not root.key.isupper():
                    name = "".join([root.name, *map(str, steps)])
                    self.fingerprints[name] = "" if value is ABSENT else fingerprint(value)

    def _parts_of_module(self, module: ModuleType) -> list[CodePart]:
        """Return the functions, classes and constants of a module."""
        found = {
            key: value
            for key, value in vars(module).items()
            if key.isupper() or not (key.startswith("__") or isinstance(value, ModuleType))
        }
        parts: list[CodePart] = []
        for key, value in found.items():
            parts.append(self._named(module.__name__, key, value, vars(module)))
        return parts

    def _named(self, module: str, key: str, value: Any, namespace: Mapping[str, Any]) -> CodePart:
        """Return the part for what a module has under a name; note what it is."""
        is_fixed = key.isupper()
        if is_fixed or self._has_code(value) or is_fixed_value(value):
            self.observed.name(namespace, key)
        if not (is_fixed or is_fixed_value(value) or isinstance(value, FunctionType | type)):
            self._assigned(module, key)
        # A name that is not in capitals may be a cache, which tasks change.
        return CodePart(f"{module_name(module)}.{key}", value, is_fixed)

    def _assigned(self, module: str, key: str, within: str = "") -> None:
        """Add what a module, or a class in it, assigns to the name of a value that may change."""
        if (module, key, within) in self._assignments or not self._project.has(module):
            return
        self._assignments.add((module, key, within))
        found = assignment(module, key, within)
        if found is None:
            return
        if found.imported_from is not None:
            self._assigned(*found.imported_from)
            return
        name = ".".join(filter(None, (module_name(module), within, key)))
        self.fingerprints[f"{name}, as assigned"] = fingerprint(found.text)
        namespace = vars(sys.modules[module])
        for other in sorted(found.names.intersection(namespace)):
            self._waiting.append(self._named(module, other, namespace[other], namespace))

    def _look_at(self, found: CodePart) -> None:
        value = found.value
        if isinstance(value, FunctionType | type):
            if not self._project.has_code(value):
                # Its name counts, not its code.
                self.fingerprints[found.name] = name_of_code(value)
            elif id(value) in self._seen:
                return
            elif isinstance(value, FunctionType):
                self._function(value)
            else:
                self._class(cast("type[Any]", value))
        elif isinstance(value, ModuleType) and self._project.has_code(value):
            if id(value) not in self._seen:
                self._waiting += self._parts_of_module(value)
        elif not is_wrapper(value):
            self._constant(found)
        if id(value) not in self._seen:
            self._seen[id(value)] = value
            self._waiting += self._inside(found)

    def _inside(self, found: CodePart) -> list[CodePart]:
        """Return the functions, classes and objects of the project that a value refers to."""
        name, value, is_fixed, _ = found
        if is_wrapper(value):
            # A partial's arguments are chosen when it is made; a method's object may change.
            is_fixed = is_fixed or isinstance(value, functools.partial)
            return [CodePart(name + place, part, is_fixed) for place, part in wrapped_in(value)]
        if isinstance(value, FunctionType | type):
            wrapped = vars(value).get("__wrapped__")
            return [] if wrapped is None else [CodePart(name, wrapped)]
        parts = [
            CodePart(f"{name}[{place}]", part, is_fixed)
            for place, part in elements_of(value)
            if self._has_code(part)
        ]
        kind = type_of(value)
        return [*parts, CodePart(name, kind)] if self._project.has_code(kind) else parts

    def _has_code(self, value: Any, depth: int = _DEPTH) -> bool:
        if isinstance(value, FunctionType | type | ModuleType):
            return self._project.has_code(value)
        if is_wrapper(value) or self._project.has_code(type_of(value)):
            return True
        if depth == 0 or type_of(value) in FIXED.difference({tuple, frozenset}):
            return False
        parts = [part for _, part in elements_of(value)]
        if is_collection(value):
            return not FIXED.issuperset(map(type_of, parts))
        # An object of a library may hold a function of the project: pydantic's validators do.
        return any(self._has_code(part, depth - 1) for part in parts)

    def _function(self, fn: FunctionType) -> None:
        name = full_name(fn)
        if not self._project.has_code(fn):
            return
        text = syntax_of(fn)
        self.observed.function(fn)
        self._reads.look_at(fn)
        self._used |= names_used(fn.__code__)
        self._attributes += [(fn, key) for key in attributes_of_function(fn)]
        # A wrapper has the name of the function that it wraps.
        while name in self.fingerprints:
            name += "'"
        self.fingerprints[name] = fingerprint(fn.__code__ if text is None else text)
        changed = {str(value) for kind, value in instructions(fn.__code__) if kind in STORES}
        for free, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
            if free not in changed:
                where = f"{name}, {free} of its closure"
                self._waiting += [given(where, value) for value in content_of(cell)]
        for key, value in defaults_of(fn):
            self._waiting.append(given(f"{name}, default of {key}", value))
        for module, key, value in references(fn, self._project):
            if key not in changed and self._project.has(module):
                here = getattr(sys.modules.get(module), "__dict__", fn.__globals__)
                self._waiting.append(
                    self._named(module, key, value, here) if key else CodePart(module, value)
                )
        self._waiting += [CodePart(name, kind) for kind in class_of(fn)]
        # The functions that `functools.singledispatch` chooses from, for instance.
        self._waiting += [
            CodePart(f"{name}.{key}", value, is_fixed=False)
            for key, value in vars(fn).items()
            if key not in {"__wrapped__", "_clear_cache"} and self._has_code(value)
        ]

    def _class(self, kind: type[Any]) -> None:
        if not self._project.has_code(kind):
            return
        name = full_name(kind)
        registered = registered_with(kind)
        self._named_classes(f"{name}, registered", registered)
        self._waiting += [CodePart("", each) for each in registered if self._project.has_code(each)]
        is_generated = any(mark in vars(kind) for mark in _GENERATED_IN)
        for key, value in own_attributes(kind).items():
            # Dataclasses wrap the `__repr__` that they generate.
            code = getattr(getattr(value, "__wrapped__", value), "__code__", None)
            if is_generated and code is not None and code.co_filename.startswith("<"):
                # Generated code follows from the fields.
                continue
            if isinstance(value, FunctionType) or is_wrapper(value) or is_fixed_value(value):
                self.observed.member(kind, key)
            is_private = key.startswith("_") and not key.endswith("__") and key not in OF_TUPLES
            if is_private and not is_fixed_value(value):
                if is_set_from_outside(kind, key):
                    # By a decorator or a metaclass, or a statement after the class.
                    self._attributes.append((kind, key))
                self._assigned(kind.__module__, key, kind.__qualname__)
            self._waiting.append(CodePart(f"{name}.{key}", value, not is_private))
        above = [base for base in (*kind.__bases__, type(kind)) if base not in {object, type}]
        self._waiting += [CodePart(f"{name}, {base.__name__}", base) for base in above]

    def _constant(self, found: CodePart) -> None:
        name, value, is_fixed, known = found
        if isinstance(value, ModuleType):
            if not self._project.has_code(value):
                self.fingerprints[name] = value.__name__
        elif is_named_code(value):
            self.fingerprints[name] = name_of_code(value)
        elif known is not None:
            self.fingerprints[name] = shortened(known)
        elif is_fixed or is_fixed_value(value):
            self.fingerprints[name] = fingerprint(value)
        else:
            self.fingerprints[name] = type_of(value).__qualname__


def _module_of(value: Any) -> str | None:
    return value.__module__ if isinstance(value, FunctionType | type) else None
