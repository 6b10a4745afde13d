"""The state of the process that a program can reach, which is restored between trials."""

from __future__ import annotations

import functools
import itertools
import operator
import os
import sys
import sysconfig
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from prefectx._types import is_dict
from pytest_prefectx.agree.libraries import LIBRARIES, reseed
from pytest_prefectx.equality import identical
from pytest_prefectx.quiet_copies import deep_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_OBJECTS: Final = 20_000
"""The maximal number of objects; those that are further away are not restored."""

_ATOMS: Final = (
    *(type(None), bool, int, float, complex, str, bytes, range, slice, type(Ellipsis)),
    *(BuiltinFunctionType, type(NotImplemented)),
)
_IMMUTABLE: Final = (tuple, frozenset)
# Iterators that cannot be rewound are replaced by a copy.
_ITERATORS: Final = (itertools.count, itertools.cycle)
# Objects of these modules are copied, because their content is not in attributes.
_COPIED: Final = ("numpy", "pandas", "random", "_random", "io", "_io")

_REPLACED: Final = (FunctionType, BuiltinFunctionType, type)
# A bit of a class that is written in C: nobody can set its attributes.
_IS_IMMUTABLE: Final = 1 << 8

_INSTALLED: Final = tuple(
    os.path.join(os.path.realpath(sysconfig.get_path(name)), "")
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OWN: Final = {"prefectx", "pytest_prefectx"}


class ProcessState:
    """The state of the process at the creation of this object.

    It covers what a program reaches from its function: the globals of the user's own modules, the
    attributes of their classes and objects, defaults and caches; and state of the whole process:
    the environment, the current folder, `sys.path`, seeds, options of libraries. Variables of
    enclosing functions are not restored, because a test may use them to observe its flow.

    Args:
        subject: The function and its arguments.

    Attributes:
        restored: The number of times it was restored. Each time the seeds are different, as in a
            new process, to find programs that draw without setting a seed.
    """

    def __init__(self, subject: object) -> None:
        self.restored = 0
        self._environment: Final = dict(os.environ)
        self._folder: Final = os.getcwd()
        self._libraries: Final = {
            name: library.get() for name, library in LIBRARIES.items() if library.is_imported()
        }
        self._restorers: Final[list[Callable[[], object]]] = []
        self._seen: Final[dict[int, object]] = {}
        self._libraries_reached: Final[list[ModuleType]] = []
        self._named: Final[set[str]] = set()
        self._walk(subject)

    def restore(self) -> None:
        """Restore everything."""
        self.close()
        self.restored += 1
        reseed(self.restored)
        for restorer in self._restorers:
            restorer()

    def close(self) -> None:
        """Restore the state of the whole process, except the seeds."""
        for name in os.environ.keys() - self._environment.keys():
            del os.environ[name]
        for name, value in self._environment.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        if _folder() != self._folder:
            os.chdir(self._folder)
        for name, value in self._libraries.items():
            LIBRARIES[name].set(value)

    def _walk(self, subject: object) -> None:
        """Store all mutable objects that can be reached, the nearest first."""
        waiting = deque([subject])
        while waiting and len(self._seen) < MOST_OBJECTS:
            value = waiting.popleft()
            if isinstance(value, _ATOMS) or id(value) in self._seen:
                continue
            self._seen[id(value)] = value  # kept alive, so that the id stays its own
            waiting.extend(self._content(value))
        for library in self._libraries_reached:
            # A library is large: only the classes that the program names.
            for value in [vars(library)[name] for name in self._named & vars(library).keys()]:
                if isinstance(value, type) and not is_users(value.__module__):
                    self._functions_of_library(value)

    def _content(self, value: Any) -> Iterable[Any]:
        """Store one object's content; return the objects in it."""
        if isinstance(value, ModuleType | type):
            return self._of_namespace(value)
        if isinstance(value, FunctionType | MethodType | functools.partial):
            return self._of_function(value)
        if isinstance(value, (*_IMMUTABLE, dict, list, set, deque, bytearray)):
            return self._of_container(cast("Any", value))
        if callable(clear := getattr(value, "cache_clear", None)) and hasattr(value, "cache_info"):
            self._restorers.append(clear)
            return (getattr(value, "__wrapped__", None),)
        if callable(function := getattr(value, "fn", None)):  # a task or a flow
            return (function,)
        return self._of_object(value)

    def _of_namespace(self, value: ModuleType | type) -> Iterable[Any]:
        """Store the content of a user's module or class, and the functions of a library's."""
        name = value.__name__ if isinstance(value, ModuleType) else value.__module__
        if not is_users(name):
            return self._functions_of_library(value)
        if isinstance(value, ModuleType):
            return self._names(vars(value))
        return self._of_class(value)

    def _functions_of_library(self, owner: ModuleType | type) -> tuple[()]:
        """Store functions that a task may replace: the rest of a library looks after itself."""
        if isinstance(owner, ModuleType):
            self._libraries_reached.append(owner)
        elif owner.__flags__ & _IS_IMMUTABLE:
            return ()
        before = dict(vars(owner))

        def restore() -> None:
            now = vars(owner)
            # Without a loop of Python's: a library may have a thousand names.
            if all(map(operator.is_, before.values(), map(now.get, before))):
                return
            for name, value in before.items():
                if now.get(name) is not value and isinstance(value, _REPLACED):
                    setattr(owner, name, value)

        self._restorers.append(restore)
        return ()

    def _names(self, names: dict[str, Any]) -> Iterable[Any]:
        """Store a module's globals."""
        before = {name: value for name, value in names.items() if not name.startswith("__")}
        copies = _copies(before.items())

        def restore() -> None:
            for name in [name for name in names if not name.startswith("__")]:
                if name not in before:
                    del names[name]
            names.update({name: value for name, value in before.items() if name not in copies})
            _put_back(names, before, copies)

        self._restorers.append(restore)
        return [value for name, value in before.items() if name not in copies]

    def _of_function(self, function: Any) -> Iterable[Any]:
        if isinstance(function, MethodType):
            return (function.__self__, function.__func__)
        if isinstance(function, functools.partial):
            return [part for part in function.__reduce__()[2] if part is not None]
        if not is_users(function.__module__ or ""):
            return ()
        if isinstance(function, FunctionType):
            self._named.update(function.__code__.co_names)
        module = sys.modules.get(function.__module__)
        if module is not None and vars(module) is function.__globals__:
            around: Any = module
        else:
            around = ()
            self._seen.setdefault(id(function.__globals__), function.__globals__)
        defaults: list[Any] = [*(function.__defaults__ or ())]
        by_name: dict[str, Any] = function.__kwdefaults__ or {}
        defaults += by_name.values()
        attributes: dict[str, Any] = function.__dict__
        return (around, *defaults, attributes)

    def _of_container(self, container: Any) -> Iterable[Any]:
        if is_dict(container):
            return self._of_dict(container)
        before = list[Any](container)
        if isinstance(container, _IMMUTABLE):
            return before

        is_set = isinstance(container, set)

        def restore() -> None:
            if len(container) == len(before) and all(map(operator.is_, container, before)):
                return
            container.clear()
            fill = container.update if is_set else container.extend
            fill(before)

        self._restorers.append(restore)
        return () if isinstance(container, bytearray) else before

    def _of_dict(self, content: dict[Any, Any]) -> Iterable[Any]:
        before = list(content.items())
        copies = _copies(before)

        def restore() -> None:
            if len(content) != len(before) or not all(
                key is old_key and value is old
                for (key, value), (old_key, old) in zip(content.items(), before, strict=True)
            ):
                content.clear()
                content.update(before)
            _put_back(content, dict(before), copies)

        self._restorers.append(restore)
        return [part for key, value in before if key not in copies for part in (key, value)]

    def _of_class(self, cls: type) -> Iterable[Any]:
        before = {name: value for name, value in vars(cls).items() if not name.startswith("__")}
        copies = _copies(before.items())

        def restore() -> None:
            for name in [name for name in vars(cls) if not name.startswith("__")]:
                if name not in before:
                    delattr(cls, name)
            for name, value in before.items():
                if name in copies:
                    setattr(cls, name, copies[name][1]())
                elif vars(cls).get(name) is not value:
                    setattr(cls, name, value)

        self._restorers.append(restore)
        return (*cls.__bases__, *(v for name, v in before.items() if name not in copies))

    def _of_object(self, value: Any) -> Iterable[Any]:
        cls: Any = value.__class__
        known = cls.__module__ in {"types", "argparse", "collections", "threading", "_thread"}
        if not (is_users(cls.__module__) or known):
            return ()
        if isinstance(value, threading.local) or hasattr(value, "__dict__"):
            attributes: Any = vars(value)
            return (cls, *self._of_dict(attributes))
        slots = [name for owner in cls.__mro__ for name in getattr(owner, "__slots__", ())]
        before = {name: getattr(value, name) for name in slots if hasattr(value, name)}

        def restore() -> None:
            for name, part in before.items():
                if getattr(value, name, None) is not part:
                    with suppress(AttributeError, TypeError):  # a frozen one has not changed
                        setattr(value, name, part)

        self._restorers.append(restore)
        return (cls, *before.values())


def _copies(named: Iterable[tuple[Any, Any]]) -> dict[Any, tuple[Any, Callable[[], Any]]]:
    """Return the values that are restored by copies: a first copy, and a function for more."""
    copies: dict[Any, tuple[Any, Callable[[], Any]]] = {}
    for name, value in named:
        if (make := _copier(value)) is not None:
            copies[name] = (make(), make)
    return copies


def _copier(value: Any) -> Callable[[], Any] | None:
    """Return a function that copies the present state of an object; None if it is not needed."""
    if isinstance(value, (*_ATOMS, type, FunctionType, ModuleType)):
        return None
    if (
        not isinstance(value, _ITERATORS)
        and type(value).__module__.partition(".")[0] not in _COPIED
    ):
        return None
    try:
        kept: Any = deep_copy(cast("Any", value))
        deep_copy(kept)
    except Exception:  # noqa: BLE001 - any class may refuse in any way
        return None
    return functools.partial(deep_copy, kept)


def _put_back(
    content: dict[Any, Any],
    before: dict[Any, Any],
    copies: dict[Any, tuple[Any, Callable[[], Any]]],
) -> None:
    """Restore the copied values: the same object if it has not changed, else a copy."""
    for name, (kept, make) in copies.items():
        same = before[name]
        is_unchanged = not isinstance(same, _ITERATORS) and identical(same, kept)
        content[name] = same if is_unchanged else make()


@functools.cache
def is_users(module: str) -> bool:
    """Tell whether a module is the user's: not Python's, not installed, not of prefectx."""
    if not module or module.partition(".")[0] in {*_OWN, *sys.stdlib_module_names} - {"__main__"}:
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return True
    real = os.path.realpath(file)
    return "site-packages" not in Path(real).parts and not real.startswith(_INSTALLED)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None
