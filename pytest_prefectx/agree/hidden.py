"""Hidden inputs of a function: globals, the environment, files."""

from __future__ import annotations

import dis
import functools
import hashlib
import inspect
import os
import threading
from contextlib import suppress
from contextvars import ContextVar
from functools import cached_property, partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from prefectx._api.flow import Flow
from prefectx._api.task import Task
from prefectx._identity.content_hash import digest
from prefectx._settings.context import context_names
from prefectx.errors import PrefectxError
from pytest_prefectx.agree.libraries import CHANCE, LIBRARIES, NUMPY_CHANCE, seeds
from pytest_prefectx.agree.process_state import is_users
from pytest_prefectx.agree.programs import snapshot
from pytest_prefectx.equality import identical
from pytest_prefectx.targets import names_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HiddenInputs: TypeAlias = "dict[str, Any]"
"""Copies or hashes of hidden inputs, by a description such as "the global RATE"."""

# Names of modules and functions whose results differ between runs.
NOT_DETERMINISTIC: Final = (
    "random",
    "secrets",
    "uuid",
    "time",
    "datetime",
    "tempfile",
    "getpid",
    "urandom",
    "now",
    "uuid4",
    "id",
    "hash",
)

AS_ATTRIBUTES: Final = ("random", "getpid", "urandom", "now", "uuid4")

OF_CHANCE: Final = (CHANCE, NUMPY_CHANCE)
CURRENT_FOLDER: Final = "the current folder"

_DEPTH: Final = 3


def hidden_inputs(
    function: Callable[..., Any], arguments: Iterable[Any] = (), folder: Path | None = None
) -> HiddenInputs:
    """Return the present hidden inputs of `function`.

    These are the globals and enclosing variables of the function and of the functions that it uses,
    except functions, classes and modules; the attributes of its arguments' classes; state of the
    whole process; all environment variables; the current folder; the files below `folder`.
    """
    function = inspect.unwrap(function)
    seen = _seen_in_code(function)
    for name, value in context_names().items():
        seen[f"the context name {name}"] = _mark(value)
    for name, value in _class_attributes(arguments, function.__module__):
        seen[f"the class attribute {name}"] = _mark(value)
    seen |= seeds()
    for name, library in LIBRARIES.items():
        if library.is_imported():
            seen[name] = library.get()
    seen[CURRENT_FOLDER] = os.getcwd()
    for name, text in os.environ.items():
        seen[f"the environment variable {name}"] = text
    for name in names_below(folder) if folder else ():
        seen[file_key(name)] = _content_of(Path(folder or "", name))
    return seen


def _seen_in_code(function: Any) -> HiddenInputs:
    """Return the globals, enclosing variables and defaults of a function and its helpers."""
    seen: HiddenInputs = {}
    for kind, name, value in _names(function, _DEPTH):
        if isinstance(value, threading.local):
            seen[f"the thread-local {name}"] = {k: _mark(v) for k, v in vars(value).items()}
        elif isinstance(value, ContextVar):
            variable: ContextVar[Any] = value  # pyright: ignore[reportUnknownVariableType]
            seen[f"the context variable {name}"] = _mark(variable.get(None))
        elif isinstance(value, ModuleType | type):
            for attribute, part in _attributes_read(value, function):
                what = "class attribute" if isinstance(value, type) else "module attribute"
                seen[f"the {what} {name}.{attribute}"] = part
        elif not _is_code(value):
            seen[f"the {kind} {name}"] = _mark(value)
    return seen


def _content_of(path: Path) -> bytes | None:
    try:
        status = path.stat()
        return _hash_file(path, status.st_mtime_ns, status.st_size, status.st_ino)
    except OSError:  # the file was removed, or is not readable
        return None


@functools.lru_cache(maxsize=10_000)
def _hash_file(path: Path, *_status: int) -> bytes:
    """Return a hash of a file's content, cached by the file's status."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.blake2b).digest()


def _attributes_read(owner: ModuleType | type, function: Any) -> Iterator[tuple[str, object]]:
    """Yield the attributes of a user's class, or those of a module that a function uses."""
    if isinstance(owner, ModuleType):
        names = {name for code in _codes(function, _DEPTH) for name in code.co_names}
        if not is_users(owner.__name__):
            # A library is large: only replaced functions are noticed.
            for name in sorted(names & vars(owner).keys()):
                if inspect.isroutine(value := vars(owner)[name]):
                    yield name, _code_mark(value)
            return
        for name in sorted(names & vars(owner).keys()):
            if not isinstance(value := vars(owner)[name], ModuleType | type):
                yield name, _mark(value.__code__ if isinstance(value, FunctionType) else value)
    elif is_users(owner.__module__):
        for name, value in vars(owner).items():
            if not name.startswith("__") and not isinstance(value, property | cached_property):
                yield name, _code_mark(value) if _is_code(value) else _mark(value)


def _code_mark(value: Any) -> object:
    """Return a value that differs for different functions."""
    code = getattr(inspect.unwrap(value), "__code__", None)
    return (id(value), code.co_code if code else None)


def unseen_state(value: Any) -> dict[str, Any] | None:
    """Return the state of an object besides its data, such as a position; None if it has none."""
    if isinstance(value, str | bytes | int | float | list | dict | tuple | set | None):
        return None
    state: dict[str, Any] = {}
    for name in ("tell", "qsize"):
        if callable(ask := getattr(value, name, None)) and not isinstance(value, type):
            with suppress(Exception):
                state[name] = ask()
    cls: type[Any] = cast("Any", value).__class__
    attributes: dict[str, Any] = dict(getattr(value, "__dict__", None) or {})
    for name, kept in attributes.items():
        if isinstance(getattr(cls, name, None), cached_property):
            state[name] = _mark(kept)
    return state or None


def _mark(value: object) -> object:
    """Return a hash or copy of `value`, to compare it later."""
    dump: Any = getattr(value, "iterdump", None)
    if dump is not None:  # a connection to a database of SQLite
        with suppress(Exception):
            lines: list[str] = list(dump())
            return lines
    try:
        return digest(value)
    except PrefectxError:
        return snapshot(value)


def file_key(name: str) -> str:
    """Return the description of a file among hidden inputs."""
    return f"the file {name}"


def changed_inputs(before: HiddenInputs, after: HiddenInputs) -> list[str]:
    """Return the descriptions of inputs that differ, the nearest to the function first."""
    return [
        name
        for name in dict.fromkeys([*before, *after])
        if (name in before) != (name in after) or not identical(before.get(name), after.get(name))
    ]


def sources_of_chance(function: Callable[..., Any]) -> list[str]:
    """Return the sources of random or changing results that a function and its helpers use."""
    named: set[str] = set()
    for code in _codes(inspect.unwrap(function), _DEPTH):
        for step in dis.get_instructions(code):
            # An attribute `id` may be anything; `np.random` and `os.getpid` are sources.
            if "GLOBAL" in step.opname or step.argval in AS_ATTRIBUTES:
                named.add(str(step.argval))
    return [source for source in NOT_DETERMINISTIC if source in named]


def _names(function: Any, depth: int) -> Iterator[tuple[str, str, Any]]:
    if not isinstance(function, FunctionType):
        return
    found = [("enclosing variable", *pair) for pair in _enclosing_variables(function)]
    found += [("global", *pair) for pair in _globals_of(function).items()]
    for name, value in _defaults(function):
        found.append((f"default of {function.__name__} for", name, value))
    for kind, name, value in found:
        yield kind, name, value
        if depth and isinstance(value, FunctionType):
            yield from _names(value, depth - 1)


def _enclosing_variables(function: FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # the cell of a name that is bound later
            yield name, cell.cell_contents


def _defaults(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the mutable defaults of a function."""
    positional = function.__defaults__ or ()
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    pairs = [*zip(names[len(names) - len(positional) :], positional, strict=True)]
    for name, value in [*pairs, *(function.__kwdefaults__ or {}).items()]:
        if not isinstance(value, str | bytes | int | float | tuple | None):
            yield name, value


def _globals_of(function: FunctionType) -> dict[str, Any]:
    names = {name for code in _nested_codes(function.__code__) for name in code.co_names}
    return {name: function.__globals__[name] for name in sorted(names & set(function.__globals__))}


def _codes(function: Any, depth: int) -> Iterator[CodeType]:
    if not isinstance(function, FunctionType):
        return
    yield from _nested_codes(function.__code__)
    if depth:
        for value in _globals_of(function).values():
            yield from _codes(value, depth - 1)


def _nested_codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested_codes(constant)


def _class_attributes(arguments: Iterable[object], module: str) -> Iterator[tuple[str, Any]]:
    """Yield the data attributes of the arguments' classes that are in the function's module."""
    classes = {argument.__class__ for argument in arguments}
    for owner in sorted(classes, key=lambda owner: owner.__qualname__):
        for name, value in vars(owner).items() if owner.__module__ == module else ():
            if not name.startswith("__") and not _is_code(value) and not hasattr(value, "__get__"):
                yield f"{owner.__name__}.{name}", value


def _is_code(value: Any) -> bool:
    # Other callables, such as database connections, have data.
    return isinstance(
        value, ModuleType | type | Task | Flow | FunctionType | MethodType | partial
    ) or inspect.isroutine(inspect.unwrap(value))
