"""`Setting`: a context variable that has a value for as long as a `with` statement lasts."""

from __future__ import annotations

from prefectx.typed import TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from contextvars import ContextVar, Token
    from typing import Any

F = TypeVar("F", bound="Callable[..., Any]")


class Setting:
    """Gives a context variable a value within a `with` statement, and then the one of before.

    What generators do with `contextmanager` takes several times as long, at each run of a task.

    Args:
        variable: The variable.
        value: Its value within.
    """

    __slots__ = ("_token", "_value", "_variable")

    def __init__(self, variable: ContextVar[Any], value: Any) -> None:
        self._variable = variable
        self._value = value
        self._token: Token[Any]

    def __enter__(self) -> None:
        self._token = self._variable.set(self._value)

    def __exit__(self, *_: object) -> None:
        self._variable.reset(self._token)


def decorated(fn: F, within: Callable[[], AbstractContextManager[Any]]) -> F:
    """Return a function that runs `fn` within a context manager, a new one for each call."""
    from functools import wraps

    @wraps(fn)
    def function(*args: Any, **kwargs: Any) -> Any:
        with within():
            return fn(*args, **kwargs)

    return function  # type: ignore[return-value] # pyright: ignore[reportReturnType]
