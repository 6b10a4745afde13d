"""How functions are taken apart that no name finds: lambdas, closures, cells of a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.names import found_name, module_name
from prefectx._identity.parts import Digest, Parts, text_leaf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FunctionType

_FROM_GLOBALS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})


def function_parts(fn: FunctionType) -> Digest | Parts:
    """Return the digest of a function by its name, or its parts if its name does not find it."""
    if (name := found_name(fn)) is not None:
        return text_leaf("function", name)
    used = {
        name: fn.__globals__[name]
        for name in sorted(set(global_names(fn.__code__)))
        if name in fn.__globals__
    }
    return Parts("function", (*made_of(fn), dict(vars(fn)), used))


def made_of(fn: FunctionType) -> tuple[Any, ...]:
    """Return what a function was made of: name, code, defaults and closure."""
    name = f"{module_name(fn.__module__ or '')}.{fn.__qualname__}"
    return (name, fn.__code__, fn.__defaults__, fn.__kwdefaults__, fn.__closure__)


def code_parts(code: CodeType) -> Parts:
    """Take code apart: it does not matter in which lines it stood."""
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    parts = (code.co_name, code.co_code, code.co_exceptiontable, code.co_consts, names, counts)
    return Parts("code", parts)


def global_names(code: CodeType) -> Iterator[str]:
    """Give the names of all globals that code uses, with the functions inside it."""
    import dis
    from types import CodeType

    for instruction in dis.get_instructions(code):
        if instruction.opname in _FROM_GLOBALS:
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from global_names(constant)
