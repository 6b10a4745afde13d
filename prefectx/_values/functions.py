"""What kind a function is and what it takes, read without `inspect`, which is slow to import."""

from __future__ import annotations

from types import CoroutineType, FunctionType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType
    from typing import Any, Final

POSITIONAL_ONLY: Final = 0
POSITIONAL_OR_KEYWORD: Final = 1
VAR_POSITIONAL: Final = 2
KEYWORD_ONLY: Final = 3
VAR_KEYWORD: Final = 4

NO_DEFAULT: Final = object()

_WORN: Final = (
    *("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"),
    "__type_params__",
)

_VAR_POSITIONAL: Final = 0x04
_VAR_KEYWORD: Final = 0x08
_GENERATOR: Final = 0x20
_COROUTINE: Final = 0x80
_ASYNC_GENERATOR: Final = 0x200


class Parameter:
    """A parameter of a function.

    Args:
        name: Its name.
        kind: One of the kinds above, which are those of `inspect.Parameter`.
        default: Its default, or `NO_DEFAULT`.
    """

    __slots__ = ("default", "kind", "name")

    def __init__(self, name: str, kind: int, default: Any) -> None:
        self.name = name
        self.kind = kind
        self.default = default


def parameters_of(fn: Callable[..., Any]) -> dict[str, Parameter]:
    """Return what a function takes, by name and in order."""
    read = _read_from_code(fn) if _is_bare(fn) else _read_by_inspect(fn)
    return {parameter.name: parameter for parameter in read}


def name_of(fn: Callable[..., Any]) -> str:
    """Return a function's name; an object that can be called has that of its class."""
    name: str = getattr(fn, "__name__", type(fn).__name__)
    return name


def qualified_name_of(fn: Callable[..., Any]) -> str:
    """Return a function's qualified name; an object that can be called has that of its class."""
    name: str = getattr(fn, "__qualname__", type(fn).__qualname__)
    return name


def is_coroutine_function(fn: Callable[..., Any]) -> bool:
    """Tell whether a call of `fn` gives a coroutine."""
    if _is_bare(fn):
        return _has_flag(fn, _COROUTINE)
    import inspect

    return inspect.iscoroutinefunction(fn)


def is_coroutine(value: Any) -> bool:
    """Tell whether `value` is what a call of a coroutine function gives."""
    return isinstance(value, CoroutineType)


def is_generator_function(fn: Callable[..., Any]) -> bool:
    """Tell whether a call of `fn` gives a generator that is no async one."""
    if _is_bare(fn):
        return _has_flag(fn, _GENERATOR)
    import inspect

    return inspect.isgeneratorfunction(fn)


def is_async_generator_function(fn: Callable[..., Any]) -> bool:
    """Tell whether a call of `fn` gives an async generator."""
    if _is_bare(fn):
        return _has_flag(fn, _ASYNC_GENERATOR)
    import inspect

    return inspect.isasyncgenfunction(fn)


def look_like(wrapper: Any, fn: Callable[..., Any]) -> None:
    """Do what `functools.update_wrapper` does, which would have to be imported."""
    for name in _WORN:
        if hasattr(fn, name):
            setattr(wrapper, name, getattr(fn, name))
    wrapper.__dict__.update(getattr(fn, "__dict__", {}))
    wrapper.__wrapped__ = fn


def _is_bare(fn: Any) -> bool:
    """Tell whether `fn` is a function that nothing says otherwise of: no decorator's wrapper."""
    return type(fn) is FunctionType and not fn.__dict__


def _has_flag(fn: Any, flag: int) -> bool:
    return bool(fn.__code__.co_flags & flag)


def _read_from_code(fn: Any) -> Iterator[Parameter]:
    code: CodeType = fn.__code__
    defaults: tuple[Any, ...] = fn.__defaults__ or ()
    named: dict[str, Any] = fn.__kwdefaults__ or {}
    names = iter(code.co_varnames)
    first_default = code.co_argcount - len(defaults)
    for index in range(code.co_argcount):
        kind = POSITIONAL_ONLY if index < code.co_posonlyargcount else POSITIONAL_OR_KEYWORD
        place = index - first_default
        yield Parameter(next(names), kind, defaults[place] if place >= 0 else NO_DEFAULT)
    keywords = [next(names) for _ in range(code.co_kwonlyargcount)]
    if code.co_flags & _VAR_POSITIONAL:
        yield Parameter(next(names), VAR_POSITIONAL, NO_DEFAULT)
    for name in keywords:
        yield Parameter(name, KEYWORD_ONLY, named.get(name, NO_DEFAULT))
    if code.co_flags & _VAR_KEYWORD:
        yield Parameter(next(names), VAR_KEYWORD, NO_DEFAULT)


def _read_by_inspect(fn: Callable[..., Any]) -> Iterator[Parameter]:
    import inspect

    for name, parameter in inspect.signature(fn).parameters.items():
        has_default = parameter.default is not inspect.Parameter.empty
        yield Parameter(name, int(parameter.kind), parameter.default if has_default else NO_DEFAULT)
