"""Pickling of exceptions with their type and arguments.

By default, pickle calls the class of an exception with the arguments of `Exception.__init__`, which
may differ from those that the class's own `__init__` takes.
"""

from __future__ import annotations

from types import MethodDescriptorType
from typing import Any


class PortableException:
    """A wrapper that is pickled in place of an exception and is unpickled as the exception.

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
        # There is a state if the exception has notes or attributes.
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
