"""A hash of what a function does, to find out that its targets were made by another version."""

from __future__ import annotations

import marshal
from types import CodeType

from xxhash import xxh3_64_hexdigest

from prefectx._values.containers import type_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def code_hash(fn: Callable[..., Any]) -> str:
    """Return a hash of what a function does: its byte code, constants and names, not its lines.

    Of a decorated function, the decorator's wrapper counts and the function itself.
    """
    essences: list[tuple[Any, ...]] = []
    found: Any = fn
    while found is not None:
        code = getattr(found, "__code__", None)
        if isinstance(code, CodeType):
            essences.append((*_essence(code), *_surroundings(found)))
        # A decorator's wrapper says nothing of the function that it wraps.
        found = getattr(found, "__wrapped__", None)
    if not essences:
        return ""
    return xxh3_64_hexdigest(marshal.dumps(essences))


def code_fingerprints(fn: Callable[..., Any]) -> dict[str, str]:
    """Return fingerprints of all code that a function's output depends on, by name."""
    return {fn.__qualname__: code_hash(fn)}


def _surroundings(function: Any) -> tuple[str, ...]:
    """Return what tells functions of one code apart: defaults and what they close over."""
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    keywords: dict[str, Any] = function.__kwdefaults__ or {}
    values: list[Any] = [*cells, *(function.__defaults__ or ()), *keywords.values()]
    return tuple(_fixed_text(value) for value in values)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _fixed_text(value: Any) -> str:
    """Return the text of what cannot change; of what may change while a task runs, its type."""
    if isinstance(value, str | bytes | int | float | complex | type(None)):
        return repr(value)
    if (code := getattr(value, "__code__", None)) is not None:
        return repr(_essence(code))
    return type_of(value).__qualname__


def _essence(code: CodeType) -> tuple[Any, ...]:
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_code, code.co_exceptiontable, _constant(code.co_consts), *names)


def _constant(value: Any) -> Any:
    if isinstance(value, CodeType):
        return _essence(value)
    kind = type_of(value)
    if kind is tuple:
        return tuple(map(_constant, value))
    if kind is frozenset:
        # Its order changes from process to process.
        return ("frozenset", *sorted(map(repr, value)))
    return repr(value)
