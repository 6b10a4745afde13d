"""The parameters of a task's function, and the binding of a call's arguments to them."""

from __future__ import annotations

import inspect
from inspect import Parameter
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from prefectx._values.references import name_of, qualified_name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BY_PLACE: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_ABSENT: Final[dict[Any, Any]] = {Parameter.VAR_POSITIONAL: (), Parameter.VAR_KEYWORD: {}}


class Signature:
    """The parameters of `fn`.

    Args:
        fn: The function of a task.
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = fn
        self.module: Final[str] = getattr(fn, "__module__", None) or "?"
        self.name: Final = name_of(fn)
        self.qualified_name: Final = qualified_name_of(fn)
        self._signature: Final = inspect.signature(fn)
        self.parameters: Final = self._signature.parameters
        each = self.parameters.values()
        self.defaults: Final[dict[str, Any]] = {
            parameter.name: parameter.default
            for parameter in each
            if parameter.default is not Parameter.empty
        }
        #: The value of each optional argument if it is left out; also of *args and **kwargs.
        self.absent: Final[dict[str, Any]] = self.defaults | {
            parameter.name: _ABSENT[parameter.kind]
            for parameter in each
            if parameter.kind in _ABSENT
        }
        self._all_by_place = all(parameter.kind in _BY_PLACE for parameter in each)
        self._names = tuple(self.parameters)
        self._default_values = tuple(self.defaults.values())
        self._required = len(self._names) - len(self._default_values)

    def bind(self, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return a call's arguments by name, in the order of the parameters, defaults applied.

        Raises:
            TypeError: They do not fit the parameters; the message is that of the function itself.
        """
        # The fast path for most calls: inspect takes several times as long.
        if not kwargs and self._all_by_place:
            if len(args) == len(self._names):
                return dict(zip(self._names, args))  # noqa: B905 - strict=True is slower
            if self._required <= len(args) < len(self._names):
                values = args + self._default_values[len(args) - self._required :]
                return dict(zip(self._names, values, strict=True))
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise self._mismatch(error, args, kwargs) from None
        bound.apply_defaults()
        return bound.arguments

    def unbound(self, arguments: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return positional and keyword arguments that bind to `arguments`."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for name, value in arguments.items():
            kind = self.parameters[name].kind
            if kind is Parameter.VAR_POSITIONAL:
                args.extend(value)
            elif kind is Parameter.VAR_KEYWORD:
                kwargs.update(value)
            elif kind is Parameter.KEYWORD_ONLY:
                kwargs[name] = value
            else:
                args.append(value)
        return tuple(args), kwargs

    def _mismatch(
        self, error: TypeError, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> TypeError:
        """Return the error with Python's own message, so that all modes raise the same."""
        if type(self._fn) is not FunctionType or hasattr(self._fn, "__wrapped__"):
            return error
        try:
            # The function does not run: its arguments do not fit.
            self._fn(*args, **kwargs)
        except TypeError as own:
            return own.with_traceback(None)
        return error
