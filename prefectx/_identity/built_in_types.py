"""Parts of Python's built-in and standard types, for hashing."""

from __future__ import annotations

import array
import copyreg
import enum
import functools
import gc
import io
import struct
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.attributes import (
    attributes_of,
    has_only_attributes,
    is_of_pathlib,
    is_reduced_by_standard_library,
    members_of,
    slots_of,
)
from prefectx._identity.classes import class_parts
from prefectx._identity.container_parts import (
    chunks,
    dict_parts,
    list_parts,
    set_parts,
    tuple_parts,
)
from prefectx._identity.functions import code_parts, function_parts
from prefectx._identity.libraries import library_parts
from prefectx._identity.names import importable_name
from prefectx._identity.parts import Digest, Parts, leaf, refusal, text_leaf
from prefectx._types import type_of
from prefectx._values.handles import is_iterator
from prefectx._values.item import Item

if TYPE_CHECKING:
    from collections.abc import Callable

_LONG_INT: Final = 1000


def parts_of(value: Any) -> Digest | Parts:
    """Return the digest of a simple value, or the parts of a compound one.

    Raises:
        UnsupportedValue: The object has no value of its own.
    """
    kind = type_of(value)
    if (take_apart := _EXACT.get(kind)) is not None:
        return take_apart(value)
    for base, take_apart in _KINDS:
        if isinstance(value, base):
            return take_apart(value)
    found = library_parts(value)
    return _object_parts(value) if found is None else found


def _int(value: int) -> Digest:
    # Python refuses to convert very long integers to decimal text.
    return text_leaf("int", hex(value) if value.bit_length() > _LONG_INT else str(value))


def _float(value: float) -> Digest:
    return text_leaf("float", repr(value) if value == value else "nan")  # noqa: PLR0124 - NaN


def _complex(value: complex) -> Parts:
    return Parts("complex", (value.real, value.imag))


def _item(value: Item[Any]) -> Digest:
    return text_leaf("Item", f"{value.store.label()}\0{value.target}")


def _module(value: ModuleType) -> Digest:
    if (name := importable_name(value)) is None:
        raise refusal(value, "its name refers to another module")
    return text_leaf("module", name)


def _method(value: MethodType) -> Parts:
    return Parts("method", (value.__self__, value.__func__))


def _builtin(value: BuiltinFunctionType) -> Digest | Parts:
    owner: Any = value.__self__
    if owner is None or isinstance(owner, ModuleType):
        return text_leaf("builtin", f"{value.__module__}.{value.__qualname__}")
    return Parts("builtin method", (owner, value.__name__))


def _exception(value: BaseException) -> Parts:
    # Without the traceback, which only says where it was raised.
    around = (value.__cause__, value.__context__, value.__suppress_context__)
    own = (value.args, attributes_of(value), members_of(value), _pickled_otherwise(value))
    return Parts("exception", (type(value), *own, *around))


def _pickled_otherwise(value: BaseException) -> Any:
    """Return what pickle makes an exception of if that is not its arguments and attributes."""
    kind = type(value)
    if kind.__module__ == "builtins" or kind.__reduce__ is BaseException.__reduce__:
        return None
    definer = next(base for base in kind.__mro__ if "__reduce__" in vars(base))
    return None if definer.__module__ == "builtins" else reduced(value)


def _enum(value: enum.Enum) -> Parts:
    # A combination of flags may have no name.
    return Parts("enum", (type(value), value.name, value.value))


def _path(value: PurePath) -> Parts:
    # As text: a path's internals depend on how it was made.
    kind = type(value)
    own = {
        name: each
        for name, each in attributes_of(value).items()
        if not any(name in slots_of(base) for base in kind.__mro__ if is_of_pathlib(base))
    }
    return Parts("path", (kind, str(value), own))


def _view(value: memoryview) -> Parts:
    shape = None if value.shape is None else tuple(value.shape)
    content = leaf("bytes", value.tobytes())
    return Parts("memoryview", (value.format, shape, value.readonly, content))


def _array(value: array.array[Any]) -> Digest:
    return leaf(f"array {value.typecode}", memoryview(value).cast("B"))


def _dict_view(value: Any) -> Parts:
    return Parts(type(value).__name__, chunks(list(value)))


def _cell(value: CellType) -> Parts:
    try:
        return Parts("cell", (value.cell_contents,))
    except ValueError:  # the name is not bound yet
        return Parts("cell", ())


def _property(value: property) -> Parts:
    return Parts("property", (value.fget, value.fset, value.fdel))


def _cached_property(value: functools.cached_property[Any]) -> Parts:
    # Without the lock that Python 3.11 has in it.
    return Parts("cached_property", (value.func, value.attrname))


def _wrapper_parts(value: staticmethod[..., Any] | classmethod[Any, ..., Any]) -> Parts:
    return Parts(type(value).__name__, (value.__func__,))


def _set_subclass(value: set[Any] | frozenset[Any]) -> Parts:
    plain = set(value) if isinstance(value, set) else frozenset(value)
    return Parts("set subclass", (type(value), plain, attributes_of(value)))


def _object_parts(value: Any) -> Digest | Parts:
    kind = type_of(value)
    if kind is object:
        raise refusal(value, "all plain object()s look the same")
    if is_iterator(value) and kind not in _FILES_IN_MEMORY:
        raise refusal(value, "reading it would use it up; pass a list instead")
    if kind.__module__.startswith("asyncio."):
        raise refusal(value, "it belongs to one event loop")
    found = reduced(value)
    if isinstance(found, str):
        return _global(value, found)
    make, arguments, *rest = found
    state, elements, pairs = (*rest, None, None, None)[:3]
    if has_only_attributes(kind):
        # Sorted by name: the order in which they were set does not matter.
        state = attributes_of(value)
        if make is copyreg.__newobj__ and arguments == (kind,) and elements is pairs is None:  # type: ignore[attr-defined]
            return Parts("instance", (kind, state))
    elif is_reduced_by_standard_library(kind):
        state = (state, attributes_of(value))
    return Parts(
        "object",
        (
            *(kind, make, arguments, state),
            None if elements is None else list(elements),
            None if pairs is None else [part for pair in pairs for part in pair],
        ),
    )


def reduced(value: Any) -> Any:
    """Return what pickle makes of an object.

    Raises:
        UnsupportedValue: Pickle refuses it.
    """
    reducer = copyreg.dispatch_table.get(type_of(value))
    try:
        return reducer(value) if reducer else value.__reduce_ex__(4)
    except Exception as error:
        raise refusal(value, error) from error


def _global(value: Any, name: str) -> Digest:
    """Return the digest of an object that pickle stores by its global name, as a singleton."""
    module = getattr(value, "__module__", None) or type_of(value).__module__
    if (known := importable_name(value, module, name)) is None:
        raise refusal(value, f"{module}.{name} is another object")
    return text_leaf("global", known)


_FILES_IN_MEMORY: Final = frozenset({io.BytesIO, io.StringIO})

_EMPTY: Final[dict[str, object]] = {}

_EXACT: Final[dict[type, Callable[[Any], Digest | Parts]]] = {
    type(None): lambda _: text_leaf("None", ""),
    bool: lambda value: text_leaf("bool", repr(value)),
    int: _int,
    float: _float,
    complex: _complex,
    str: lambda value: text_leaf("str", value),
    bytes: lambda value: leaf("bytes", value),
    bytearray: lambda value: leaf("bytearray", value),
    list: list_parts,
    tuple: tuple_parts,
    dict: dict_parts,
    set: set_parts,
    frozenset: set_parts,
    array.array: _array,
    memoryview: _view,
    **dict.fromkeys((type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items())), _dict_view),
    struct.Struct: lambda value: text_leaf("struct", value.format),
    # The mapping behind the proxy, which may be a defaultdict.
    MappingProxyType: lambda value: Parts("mappingproxy", gc.get_referents(value)),
    FunctionType: function_parts,
    MethodType: _method,
    BuiltinFunctionType: _builtin,
    CodeType: code_parts,
    CellType: _cell,
    Parts: lambda value: value,
    property: _property,
    functools.cached_property: _cached_property,
    staticmethod: _wrapper_parts,
    classmethod: _wrapper_parts,
}

_KINDS: Final[tuple[tuple[type, Callable[[Any], Digest | Parts]], ...]] = (
    (Item, _item),
    (type, class_parts),
    (ModuleType, _module),
    (enum.Enum, _enum),
    (BaseException, _exception),
    (PurePath, _path),
    (set, _set_subclass),
    (frozenset, _set_subclass),
)
