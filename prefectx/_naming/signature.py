"""Functions that are compiled with another function's signature, so that Python binds arguments."""

from __future__ import annotations

from prefectx._logs.run_names import PREFIX
from prefectx._values.functions import (
    KEYWORD_ONLY,
    NO_DEFAULT,
    POSITIONAL_ONLY,
    VAR_KEYWORD,
    VAR_POSITIONAL,
    Parameter,
    parameters_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Final

NOTHING: Final = object()
"""What a parameter is that was left out."""

_NOTHING: Final = f"{PREFIX}nothing"
_AFTER_POSITIONAL: Final = frozenset({VAR_POSITIONAL, KEYWORD_ONLY, VAR_KEYWORD})
_STAR: Final[dict[int, str]] = {VAR_POSITIONAL: "*", VAR_KEYWORD: "**"}


class Signature:
    """The parameters of `fn`, and the means to compile other functions with them.

    Args:
        fn: The function of a task.
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.name: Final[str] = fn.__name__
        self.qualified_name: Final[str] = fn.__qualname__
        self.parameters: Final = parameters_of(fn)
        self.defaults: Final[dict[str, Any]] = {
            name: parameter.default
            for name, parameter in self.parameters.items()
            if parameter.default is not NO_DEFAULT
        }

        # What each argument that may be left out is then, for *args and **kwargs too.
        self.absent: Final[dict[str, Any]] = self.defaults | {
            name: () if parameter.kind == VAR_POSITIONAL else {}
            for name, parameter in self.parameters.items()
            if parameter.kind in _STAR
        }

    def compile(
        self,
        extra: Sequence[str],
        statements: Sequence[str],
        result: str,
        namespace: Mapping[str, Any],
        further: Sequence[str] = (),
    ) -> Any:
        """Return a function that takes `extra`, then the parameters.

        Args:
            extra: Names of positional-only parameters that come first.
            statements: The source of what runs first, line by line.
            result: The source of what the function returns.
            namespace: What both may name beside the parameters.
            further: Names of parameters that follow the positional ones, `NOTHING` if left out.
        """
        body = "\n ".join([*filter(None, statements), f"return {result}"])
        source = f"def compiled({self._parameters_source(extra, further)}):\n {body}"
        scope = {
            **namespace,
            _NOTHING: NOTHING,
            **{_default(name): value for name, value in self.defaults.items()},
        }
        exec(compile(source, f"<{self.qualified_name}>", "exec"), scope)  # noqa: S102 - templates are code by the author
        compiled: Any = scope["compiled"]
        # So that a TypeError about missing arguments reads as if raised by the function itself.
        compiled.__name__ = self.name
        compiled.__qualname__ = self.qualified_name
        return compiled

    def arguments_source(self) -> str:
        """Return the source of a dict of all parameters, in order."""
        return "{" + ", ".join(f"{name!r}: {name}" for name in self.parameters) + "}"

    def binder(self) -> Callable[..., dict[str, Any]]:
        """Return a function that binds a call's arguments to names, defaults applied."""
        bind: Callable[..., dict[str, Any]] = self.compile([], [], self.arguments_source(), {})
        return bind

    def unbound(self, arguments: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return positional and keyword arguments that bind to `arguments`."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for name, value in arguments.items():
            kind = self.parameters[name].kind
            if kind == VAR_POSITIONAL:
                args.extend(value)
            elif kind == VAR_KEYWORD:
                kwargs.update(value)
            elif kind == KEYWORD_ONLY:
                kwargs[name] = value
            else:
                args.append(value)
        return tuple(args), kwargs

    def _parameters_source(self, extra: Sequence[str], further: Sequence[str]) -> str:
        parts = list(extra)
        positional_only = bool(extra)
        starred = False
        rest = [f"{name}={_NOTHING}" for name in further]
        for parameter in self.parameters.values():
            if positional_only and parameter.kind != POSITIONAL_ONLY:
                parts.append("/")
                positional_only = False
            if parameter.kind == POSITIONAL_ONLY:
                positional_only = True
            if rest and parameter.kind in _AFTER_POSITIONAL:
                parts.extend(rest)
                rest = []
            if parameter.kind == KEYWORD_ONLY and not starred:
                parts.append("*")
                starred = True
            parts.append(self._parameter_source(parameter))
            starred = starred or parameter.kind == VAR_POSITIONAL
        if positional_only:
            parts.append("/")
        return ", ".join([*parts, *rest])

    def _parameter_source(self, parameter: Parameter) -> str:
        star = _STAR.get(parameter.kind, "")
        default = f"={_default(parameter.name)}" if parameter.name in self.defaults else ""
        return f"{star}{parameter.name}{default}"


def _default(name: str) -> str:
    return f"{PREFIX}default_{name}"


def own(source: str) -> str:
    """Return the source with names that no parameter has in place of those that start with $."""
    return source.replace("$", PREFIX)


def own_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by the names that they have in such a source."""
    return {f"{PREFIX}{name}": value for name, value in values.items()}
