"""Short texts of values and calls, for people; they are not unique."""

from __future__ import annotations

import os
from itertools import islice
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from prefectx._types import is_dict, type_of
from prefectx._values.containers import is_dataclass, is_enum
from prefectx._values.item import is_item

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST: Final = 60
_LONGEST_INT: Final = 200
_ELEMENTS: Final = 4
_DEPTH: Final = 3
_SAMPLE: Final = 4096
_UNORDERED: Final = 50

# Modules whose values have a short and complete text.
_PLAIN: Final = frozenset(
    {"datetime", "decimal", "fractions", "ipaddress", "pathlib", "uuid", "zoneinfo"}
)


def short_text(value: Any, depth: int = _DEPTH) -> str:  # noqa: PLR0911 - one for each kind
    """Return a short text of `value`: its type, and the content that is cheap to get."""
    kind = type_of(value)
    if kind is int:
        bits = value.bit_length()
        return repr(value) if bits < _LONGEST_INT else f"<int {bits} bits, {hash(value):x}>"
    if kind in (bool, float, complex, type(None)):
        return repr(value)
    if kind is str:
        return _brief_text(value)
    if kind in (bytes, bytearray):
        return _brief_text(value)
    if is_item(value):
        return repr(value)
    if isinstance(value, list | tuple | set | frozenset | dict):
        return _brief_container(value, depth)
    return _brief_object(value, depth)


def short_text_of_call(name: str, arguments: Mapping[str, Any]) -> str:
    """Return a call as text of bounded length: equal for equal arguments, whatever their size."""
    inside = ", ".join(f"{key}={short_text(value)}" for key, value in arguments.items())
    return f"{name}({inside})"


def _brief_object(value: Any, depth: int) -> str:
    kind = type_of(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, type | FunctionType | BuiltinFunctionType | ModuleType):
        own = getattr(value, "__qualname__", None) or value.__name__
        return f"<{getattr(value, '__module__', '')}.{own}>"
    if is_enum(value):
        return f"<{name}.{value.name}>"
    if hasattr(kind, "shape"):
        return f"<{name} {value.shape} {_brief_elements(value, depth)}>"
    if _is_plain(value) or kind.__module__ in _PLAIN:
        return f"<{name} {_brief_text(str(value))}>"
    if is_dataclass(value):
        fields = {name: getattr(value, name) for name in _fields(value)}
        return f"<{name} {_brief_container(fields, depth)}>"
    return f"<{name}>"


def _fields(value: Any) -> list[str]:
    from dataclasses import fields

    # A field with init=False may not be set yet.
    return [field.name for field in fields(value) if hasattr(value, field.name)]


def _is_plain(value: Any) -> bool:
    return isinstance(value, os.PathLike | str | bytes | int | float)


def _brief_elements(array: Any, depth: int) -> str:
    """Return the dtype and some elements of an array; two corners of a data frame."""
    dtype = getattr(array, "dtype", "")
    package = type(array).__module__.partition(".")[0]
    if package == "pandas" and hasattr(array, "iloc") and array.size:
        if array.ndim > 1:
            # Whole rows would take longer than its hash.
            corners = [array.iat[row, row] for row in (0, -1)]
            corners = [cell.item() if hasattr(cell, "item") else cell for cell in corners]
            return _brief_container(corners, depth)
        return f"{dtype} {_brief_container(array.iloc[[0, -1]].tolist(), depth)}"
    if package == "numpy":
        ends = [*array.flat[:_ELEMENTS].tolist(), *array.flat[-_ELEMENTS:].tolist()]
        return f"{dtype} {_brief_container(ends, depth)}"
    return str(dtype)


def _brief_text(value: Any) -> str:
    if len(value) <= _LONGEST:
        return repr(value)
    ends = value[:_SAMPLE] + value[-_SAMPLE:]
    from zlib import crc32

    sample = crc32(ends.encode("utf-8", "surrogatepass") if isinstance(ends, str) else ends)
    return f"{value[:20]!r}…{value[-10:]!r}<{len(value)}, {sample:08x}>"


def _brief_container(value: Any, depth: int) -> str:
    kind = type(value).__name__
    size = len(value)
    unordered = _is_set(value)
    if depth == 0 or (unordered and size > _UNORDERED):
        return f"<{kind} of {size}>"
    if is_dict(value):
        items = value.items()
        parts = [
            f"{short_text(key, depth - 1)}: {short_text(element, depth - 1)}"
            for key, element in _ends(items)
        ]
    elif unordered:
        parts = _ends(sorted(short_text(element, depth - 1) for element in value))
    else:
        parts = [short_text(element, depth - 1) for element in _ends(value)]
    return f"{kind}[{size}]({', '.join(parts)})"


def _is_set(value: Any) -> bool:
    return isinstance(value, set | frozenset)


def _ends(values: Any) -> list[Any]:
    if len(values) <= 2 * _ELEMENTS:
        return list(values)
    return [*islice(values, _ELEMENTS), *islice(reversed(values), _ELEMENTS)]
