"""`context`: names that templates may use besides a call's arguments."""

from __future__ import annotations

from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from prefectx._settings.scoped import ScopedValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
_names: ContextVar[Mapping[str, Any]] = ContextVar("prefectx_context", default=_EMPTY)


def context_names() -> Mapping[str, Any]:
    """Return the names that are set here. They must not be changed in place."""
    return _names.get()


class context(ScopedValue):  # noqa: N801 - used as a function
    """Set names for templates within the `with` statement; safe in threads and async.

    Args:
        **names: The names and their values, as in `context(base="report-7")`.

    Example:
        >>> @task(target="working/{funcname}/{base}")
        ... def shout(text: str) -> str:
        ...     return text.upper()
        >>> with context(base="report-7"):
        ...     shout.item("hello").target
        'working/shout/report-7'
    """

    __slots__ = ()

    def __init__(self, /, **names: Any) -> None:
        super().__init__(_names, names)

    def _new_value(self) -> Mapping[str, Any]:
        return {**_names.get(), **self._value}


def replace_context(names: Mapping[str, Any]) -> ScopedValue:
    """Replace all names within a `with` statement, as at the start of a task run."""
    return ScopedValue(_names, names)


class GlobalContext:
    """`gcontext`: sets names for the rest of the current context, by item or by attribute.

    The names that a flow sets are removed when the flow ends.

    Example:
        >>> with context():
        ...     gcontext["base"] = "report-7"
        ...     gcontext.base
        'report-7'
    """

    def __getitem__(self, name: str) -> Any:
        return _names.get()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        _names.set({**_names.get(), name: value})

    def __delitem__(self, name: str) -> None:
        names = dict(_names.get())
        del names[name]
        _names.set(names)

    def __contains__(self, name: object) -> bool:
        return name in _names.get()

    def __iter__(self) -> Iterator[str]:
        return iter(_names.get())

    def __len__(self) -> int:
        return len(_names.get())

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            names = ", ".join(self) or "none"
            msg = f"gcontext has no name {name!r}. Names that are set: {names}."
            raise AttributeError(msg) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __repr__(self) -> str:
        return f"gcontext({dict(_names.get())!r})"


gcontext: Final = GlobalContext()
