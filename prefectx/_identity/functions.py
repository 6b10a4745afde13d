"""Parts of functions that cannot be imported by name, for hashing: lambdas, closures, cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.names import importable_name, module_name
from prefectx._identity.parts import Digest, Parts, text_leaf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FunctionType

_FROM_GLOBALS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})


def function_parts(fn: FunctionType) -> Digest | Parts:
    """Return the digest of a function's name, or its parts if it cannot be imported by name."""
    if (name := importable_name(fn)) is not None:
        return text_leaf("function", name)
    used = {
        name: fn.__globals__[name]
        for name in sorted(set(global_names(fn.__code__)))
        if name in fn.__globals__
    }
    return Parts("function", (*definition_of(fn), _annotations(fn), dict(vars(fn)), used))


def _annotations(fn: FunctionType) -> dict[str, Any]:
    try:
        return dict(fn.__annotations__)
    except NameError:  # what Python 3.14 looks up only now is not there
        return {}


def definition_of(fn: FunctionType) -> tuple[Any, ...]:
    """Return the name, code, defaults and closure of a function."""
    name = f"{module_name(fn.__module__ or '')}.{fn.__qualname__}"
    return (name, fn.__code__, fn.__defaults__, fn.__kwdefaults__, fn.__closure__)


def code_parts(code: CodeType) -> Parts:
    """Return the parts of a code object, without its line numbers."""
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    parts = (code.co_name, code.co_code, code.co_exceptiontable, code.co_consts, names, counts)
    return Parts("code", parts)


def global_names(code: CodeType) -> Iterator[str]:
    """Yield the names of all globals that code, and the functions inside it, use."""
    import dis
    from types import CodeType

    for instruction in dis.get_instructions(code):
        if instruction.opname in _FROM_GLOBALS:
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from global_names(constant)
