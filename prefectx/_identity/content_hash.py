"""A hash of any value, by its structure: equal for equal values, in every process."""

from __future__ import annotations

import copyreg
import enum
import pickle
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final, Protocol, cast

from xxhash import xxh3_128

from prefectx._values.containers import type_of
from prefectx._values.item import Item
from prefectx.errors import UnsupportedValue

_LONG_INT: Final = 1000
_CHEAP: Final = 20_000
_SMALL_KINDS: Final = frozenset(
    {"collections", "datetime", "decimal", "fractions", "functools", "pathlib", "uuid"}
)


class _Hash(Protocol):
    def update(self, data: Any, /) -> None: ...
    def digest(self) -> bytes: ...


def digest(value: Any) -> bytes:
    """Return 16 bytes that differ where values differ: `1`, `True`, `1.0` and `"1"` all do.

    Objects are taken apart as pickle would, but equal parts count as equal whether or not they
    are one object. An `Item` counts by its store and target, whatever its data.

    Raises:
        UnsupportedValue: The value cannot be taken apart: a lambda, an open file, a lock.
    """
    return _Walk().of(value)


def cheap_digest(value: Any) -> bytes | None:
    """Return the digest of a small value, or None where that would cost too much to know."""
    try:
        return _CheapWalk().of(value)
    except (UnsupportedValue, _TooMuch):
        return None


class _TooMuch(Exception):
    """The value is too large, or takes itself apart in ways of its own."""


class _Walk:
    """One walk through a value: each object in it is taken apart once."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}
        self._open: dict[int, int] = {}
        # Objects made on the way must live, or others would be taken for them.
        self._alive: list[Any] = []

    def of(self, value: Any) -> bytes:
        """Return the digest of a value."""
        hasher = xxh3_128()
        self._feed(hasher, value)
        return hasher.digest()

    def _feed(self, hasher: _Hash, value: Any) -> None:
        kind = type_of(value)
        if kind in (bool, int, float, complex, type(None)):
            self._tagged(hasher, kind.__name__, _plain_text(value).encode())
        elif kind is str:
            self._tagged(hasher, "str", value.encode("utf-8", "surrogatepass"))
        elif kind in (bytes, bytearray):
            self._tagged(hasher, kind.__name__, value)
        elif isinstance(value, Item):
            place = f"{value.store.label()}\0{value.target}"
            self._tagged(hasher, "Item", place.encode("utf-8", "surrogatepass"))
        elif isinstance(value, pickle.PickleBuffer):
            self._tagged(hasher, "buffer", value.raw())
        elif isinstance(value, FunctionType):
            self._tagged(hasher, "name", _function_name(value).encode())
        elif isinstance(value, type | ModuleType) or _is_builtin_function(value):
            self._tagged(hasher, "name", _global_name(value).encode())
        else:
            self._tagged(hasher, "part", self._part(value))

    def _part(self, value: Any) -> bytes:
        if id(value) in self._open:
            # The value contains itself; how far up says which of those around it is meant.
            return str(len(self._open) - self._open[id(value)]).encode()
        if id(value) not in self._known:
            self._alive.append(value)
            self._open[id(value)] = len(self._open)
            hasher = xxh3_128()
            self._feed_compound(hasher, value)
            self._known[id(value)] = hasher.digest()
            del self._open[id(value)]
        return self._known[id(value)]

    def _feed_compound(self, hasher: _Hash, value: Any) -> None:
        kind = type_of(value)
        if kind in (list, tuple):
            self._feed_all(hasher, kind.__name__, value)
        elif kind is dict:
            # In order: a function may see the order of a dict.
            self._feed_all(hasher, "dict", [part for pair in value.items() for part in pair])
        elif kind in (set, frozenset):
            # Sorted: the order of a set of strings changes from process to process.
            parts = sorted(self.of(element) for element in value)
            self._tagged(hasher, kind.__name__, b"".join(parts))
        elif isinstance(value, BaseException):
            # On its way between processes an exception gathers notes; they do not tell it apart.
            own = {name: part for name, part in vars(value).items() if name != "__notes__"}
            self._feed_all(hasher, "raised", [kind, value.args, own])
        else:
            self._feed_reduced(hasher, value)

    def _feed_all(self, hasher: _Hash, tag: str, parts: Any) -> None:
        self._tagged(hasher, tag, str(len(parts)).encode())
        for part in parts:
            self._feed(hasher, part)

    def _feed_reduced(self, hasher: _Hash, value: Any) -> None:
        kind = type_of(value)
        reducer = copyreg.dispatch_table.get(kind)
        try:
            value = _in_order(value)
            reduced = reducer(value) if reducer else value.__reduce_ex__(5)
        except TypeError as error:
            msg = f"a value of type {kind.__qualname__} cannot be told apart from others: {error}"
            raise UnsupportedValue(msg) from error
        if isinstance(reduced, str):
            module = getattr(value, "__module__", None) or kind.__module__
            self._tagged(hasher, "global", f"{module}.{reduced}".encode())
            return
        make, arguments, *rest = reduced
        state, elements, pairs = (*rest, None, None, None)[:3]
        self._tagged(hasher, "object", _global_name(kind).encode())
        self._feed(hasher, make)
        self._feed(hasher, arguments)
        self._feed(hasher, state)
        self._feed(hasher, None if elements is None else list(elements))
        self._feed(hasher, None if pairs is None else dict(pairs))

    def _tagged(self, hasher: _Hash, tag: str, content: Any) -> None:
        # The length keeps ("ab", "c") apart from ("a", "bc").
        hasher.update(f"{tag}:{memoryview(content).nbytes}:".encode())
        hasher.update(content)


class _CheapWalk(_Walk):
    """A walk that gives up on much data, and on objects that may do work to be taken apart."""

    def __init__(self) -> None:
        super().__init__()
        self._left = _CHEAP

    def _feed_all(self, hasher: _Hash, tag: str, parts: Any) -> None:
        self._spend(len(parts))
        super()._feed_all(hasher, tag, parts)

    def _feed_reduced(self, hasher: _Hash, value: Any) -> None:
        if not _is_simple(value):
            raise _TooMuch
        super()._feed_reduced(hasher, value)

    def _tagged(self, hasher: _Hash, tag: str, content: Any) -> None:
        self._spend(memoryview(content).nbytes)
        super()._tagged(hasher, tag, content)

    def _spend(self, much: int) -> None:
        self._left -= much
        if self._left < 0:
            raise _TooMuch


def _is_simple(value: Any) -> bool:
    """Tell whether a value is no more than its attributes, or one of Python's own small kinds."""
    kind = type_of(value)
    if kind.__module__ in _SMALL_KINDS or isinstance(value, enum.Enum):
        return True
    return all(
        getattr(kind, name) is getattr(object, name)
        for name in ("__reduce_ex__", "__reduce__", "__getstate__")
    )


def _plain_text(value: Any) -> str:
    # Python refuses to write very long integers as decimals.
    return hex(value) if type(value) is int and value.bit_length() > _LONG_INT else repr(value)


def _global_name(value: Any) -> str:
    name = cast("str", getattr(value, "__qualname__", None) or getattr(value, "__name__", ""))
    if "<lambda>" in name:
        msg = f"a lambda cannot be told apart from others: {value!r}"
        raise UnsupportedValue(msg)
    return f"{getattr(value, '__module__', '')}.{name}"


def _function_name(function: FunctionType) -> str:
    name = _global_name(function)
    found: Any = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    # In another process, a function of a script or notebook may not be found.
    if "<locals>" in name or (found is not None and found is not function):
        msg = f"a function that cannot be found as {name} cannot be told apart from others"
        raise UnsupportedValue(msg)
    return name


def _is_builtin_function(value: Any) -> bool:
    """Tell whether `value` is a function written in C, and no method of an object."""
    if not isinstance(value, BuiltinFunctionType):
        return False
    owner = value.__self__
    return owner is None or isinstance(owner, ModuleType)


def _in_order(value: Any) -> Any:
    """Return an array in C order, for pickle takes others apart in other ways."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray) or value.flags.c_contiguous:
        return value
    return value.copy(order="C")
