"""Exceptions that travel between processes with the type and the arguments that they have.

By itself, pickle calls the class of an exception with what the class gave to
`Exception.__init__`: other arguments than its own `__init__` takes, or too few.
"""

from __future__ import annotations

from types import MethodDescriptorType
from typing import Any


class Portable:
    """What is pickled instead of an exception: unpickled, it is the exception.

    Args:
        error: The exception.
    """

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __reduce__(self) -> tuple[Any, ...]:
        kind = type(self._error)
        is_as_built_in = (
            isinstance(kind.__reduce__, MethodDescriptorType)
            and kind.__reduce_ex__ is object.__reduce_ex__
        )
        if not is_as_built_in:
            return (_itself, (self._error,))
        # The state is there if the exception has notes or attributes.
        reduced: Any = self._error.__reduce__()
        return (_rebuilt, (kind, *reduced[1:]))


def _itself(error: BaseException) -> BaseException:
    return error


def _rebuilt(
    kind: type[BaseException], arguments: tuple[Any, ...], state: dict[str, Any] | None = None
) -> BaseException:
    error = kind.__new__(kind, *arguments)
    built_in: Any = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    built_in.__init__(error, *arguments)
    error.__setstate__(state)
    return error
