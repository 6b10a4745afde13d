"""Values that code refers to: what they wrap or contain, and whether they can change."""

from __future__ import annotations

import functools
import inspect
import io
from collections import deque
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CoroutineType,
    GeneratorType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any, Final, cast

from prefectx._identity.attributes import attributes_of
from prefectx._types import type_of
from prefectx._values.containers import is_enum

if TYPE_CHECKING:
    from collections.abc import Iterator

_COLLECTIONS: Final = (list, tuple, set, frozenset, dict, deque, MappingProxyType)
_IMMUTABLE: Final = (bool, int, float, complex, str, bytes, tuple, frozenset, range)
# Modules all of whose values are immutable.
_OF_IMMUTABLE: Final = frozenset(
    {"datetime", "decimal", "fractions", "ipaddress", "pathlib", "re", "uuid", "zoneinfo"}
)


def is_wrapper(value: Any) -> bool:
    """Tell whether a value stands for the functions in it: a partial, a method, a task."""
    kinds = (functools.partial, MethodType, staticmethod, classmethod, property)
    if isinstance(value, kinds):
        return True
    if isinstance(value, type):
        return False
    # Some objects answer to every name with a new object: what a mock was called with, for one.
    if inspect.getattr_static(value, "__wrapped__", None) is None:
        return False
    return getattr(value, "__wrapped__", None) is not None


def wrapped_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the functions and values in a wrapper, each after words for its place."""
    if isinstance(value, functools.partial):
        yield from (("", value.func), (", args", value.args), (", keywords", value.keywords))
    elif isinstance(value, MethodType):
        yield from (("", value.__func__), (", self", value.__self__))
    elif isinstance(value, staticmethod | classmethod):
        yield "", cast("Any", value).__func__
    elif isinstance(value, property):
        yield from (("", part) for part in (value.fget, value.fset, value.fdel) if part)
    else:
        # A task, a function with `functools.cache`.
        yield "", value.__wrapped__


def is_collection(value: Any) -> bool:
    """Tell whether a value is a list, tuple, set or dict."""
    return isinstance(value, _COLLECTIONS)


def elements_of(value: Any) -> list[tuple[object, Any]]:
    """Return the elements of a collection, or else the attributes of an object, by place."""
    if isinstance(value, set | frozenset):
        return [("", part) for part in cast("set[Any]", value)]
    if isinstance(value, dict | MappingProxyType):
        return list(enumerate(cast("dict[Any, Any]", value).values()))
    if is_collection(value):
        return list(enumerate(cast("list[Any]", value)))
    return [] if isinstance(value, ModuleType) else list(attributes_of(value).items())


def known_parts_of(value: Any) -> list[tuple[object, Any]]:
    """Return what may tell apart objects that have no value of their own, by place.

    Of an open file the name, of a generator its function's name and variables: the arguments, if
    nobody has begun to read it.
    """
    if isinstance(value, io.IOBase):
        names = [getattr(value, "name", None), getattr(value, "mode", None)]
        # A file that was opened by its descriptor has a number for a name.
        return [(place, name) for place, name in enumerate(names) if isinstance(name, str)]
    if (frame_name := _FRAMES.get(type_of(value))) is not None:
        frame: Any = getattr(value, frame_name)
        variables: dict[str, Any] = frame.f_locals if frame else {}
        return [("name", value.__qualname__), *sorted(variables.items())]
    return elements_of(value)


_FRAMES: Final[dict[type, str]] = {
    GeneratorType: "gi_frame",
    AsyncGeneratorType: "ag_frame",
    CoroutineType: "cr_frame",
}


def is_immutable(value: Any) -> bool:
    """Tell whether no task can change a value: a date, a path, a member of an enumeration."""
    if isinstance(value, _IMMUTABLE) or is_enum(value):
        return True
    if isinstance(value, BuiltinFunctionType):
        return is_immutable(value.__self__)
    kind = type_of(value)
    if getattr(getattr(kind, "__dataclass_params__", None), "frozen", False):
        return True
    names = {(base.__module__.partition(".")[0], base.__qualname__) for base in kind.__mro__}
    return ("numpy", "generic") in names or any(module in _OF_IMMUTABLE for module, _ in names)


def is_named_code(value: Any) -> bool:
    """Tell whether a value is a function in C, such as `math.sqrt`: its name says all."""
    if isinstance(value, BuiltinFunctionType):
        owner: Any = value.__self__
        return owner is None or isinstance(owner, ModuleType | type)
    return type_of(value).__name__ in _IN_C


_IN_C: Final = frozenset({"ufunc", "method_descriptor", "wrapper_descriptor"})


def name_of_code(value: Any) -> str:
    """Return the full name of a class or function, the same in each version of Python."""
    module = str(getattr(value, "__module__", None) or getattr(value, "__objclass__", ""))
    # Modules whose names begin so are where a library keeps things at the moment.
    public = [part for part in module.split(".") if not part.startswith("_")]
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
    return f"{'.'.join(public) or module.lstrip('_')}.{name}"
