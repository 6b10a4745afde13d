"""The names that templates may use beside a call's own arguments."""

from __future__ import annotations

from contextvars import ContextVar
from types import MappingProxyType

from prefectx.setting import Setting, decorated
from prefectx.typed import TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextvars import Token
    from typing import Any, Final

F = TypeVar("F", bound="Callable[..., Any]")

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
_names: ContextVar[Mapping[str, Any]] = ContextVar("prefectx_context", default=_EMPTY)


def context_names() -> Mapping[str, Any]:
    """Return the names that are set here, never to be changed in place."""
    return _names.get()


class context:  # noqa: N801 - used as a function
    """Let templates use `names` within the `with` statement; safe in threads and async.

    Args:
        **names: What templates may name, as in `context(base="report-7")`.

    Example:
        >>> @task(target="working/{funcname}/{base}")
        ... def shout(text: str) -> str:
        ...     return text.upper()
        >>> with context(base="report-7"):
        ...     shout.item("hello").target
        'working/shout/report-7'
    """

    __slots__ = ("_names", "_tokens")

    def __init__(self, /, **names: Any) -> None:
        self._names = names
        self._tokens: list[Token[Mapping[str, Any]]] = []

    def __enter__(self) -> None:
        self._tokens.append(_names.set({**_names.get(), **self._names}))

    def __exit__(self, *_: object) -> None:
        _names.reset(self._tokens.pop())

    def __call__(self, fn: F) -> F:
        """Return a function that does what `fn` does within the context."""
        return decorated(fn, lambda: context(**self._names))


def replaced_context(names: Mapping[str, Any]) -> Setting:
    """Put `names` in place of whatever is set, as where a task run starts; undo it afterwards."""
    return Setting(_names, names)


class GlobalContext:
    """`gcontext`: sets names for the rest of the current context, by item or by attribute.

    What a flow sets is forgotten when the flow ends.

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
            there = ", ".join(self) or "none"
            msg = f"gcontext has no name {name!r}; the names that are set: {there}"
            raise AttributeError(msg) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __repr__(self) -> str:
        return f"gcontext({dict(_names.get())!r})"


gcontext: Final = GlobalContext()
