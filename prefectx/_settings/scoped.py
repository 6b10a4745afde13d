"""`ScopedValue`: sets a context variable for the duration of a `with` block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar, Token

F = TypeVar("F", bound="Callable[..., Any]")


class ScopedValue:
    """Sets a context variable within a `with` statement and restores it afterwards.

    A generator with `contextmanager` takes several times as long, and this runs with each task.

    Args:
        variable: The variable.
        value: Its value within.
    """

    __slots__ = ("_tokens", "_value", "_variable")

    def __init__(self, variable: ContextVar[Any], value: Any) -> None:
        self._variable = variable
        self._value = value
        self._tokens: list[Token[Any]] = []

    def _new_value(self) -> Any:
        """Return the value for a statement that begins now."""
        return self._value

    def __enter__(self) -> Any:
        self._tokens.append(self._variable.set(self._new_value()))

    def __exit__(self, *_: object) -> None:
        self._variable.reset(self._tokens.pop())

    def __call__(self, fn: F) -> F:
        """Return a function that calls `fn` within such a statement."""
        from functools import wraps

        @wraps(fn)
        def function(*args: Any, **kwargs: Any) -> Any:
            with ScopedValue(self._variable, self._new_value()):
                return fn(*args, **kwargs)

        return function  # type: ignore[return-value] # pyright: ignore[reportReturnType]
