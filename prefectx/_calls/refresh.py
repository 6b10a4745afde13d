"""`refresh`: calls of some tasks run again although their targets exist."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from prefectx._calls.run import current_run
from prefectx._settings.environment import Variable

if TYPE_CHECKING:
    from contextvars import Token

    from prefectx._calls.run import Run

REFRESH: Final = Variable("PREFECTX_REFRESH")
"""Names of tasks, separated by commas, whose calls run again."""

refreshed: Final[ContextVar[frozenset[str]]] = ContextVar("prefectx_refresh", default=frozenset())


class refresh:  # noqa: N801 - used as a function
    """Run calls of these tasks again within the `with` statement, even if their targets exist.

    Each target is recomputed once per run. Safe in threads and async: only the current context
    changes. `PREFECTX_REFRESH=clean,join` does the same for a whole process.

    Args:
        *tasks: Names of tasks, with or without their module; `"*"` for all.

    Example:
        >>> @task
        ... def clean(x: int) -> int:
        ...     return x
        >>> with use_mode("cache"), refresh("clean"):
        ...     load(clean(1))
        1
    """

    __slots__ = ("_names", "_run", "_token")

    def __init__(self, *tasks: str) -> None:
        self._names: Final = frozenset(tasks)

    def __enter__(self) -> None:
        self._token: Token[frozenset[str]] = refreshed.set(refreshed.get() | self._names)
        self._run: Run = current_run()
        self._run.begin_refresh()

    def __exit__(self, *_: object) -> None:
        self._run.end_refresh()
        refreshed.reset(self._token)


def wants_refresh(task: Any) -> bool:
    """Tell whether `refresh` applies to a task here."""
    names = refreshed.get()
    if (value := REFRESH.get()) is not None:
        names |= {name.strip() for name in value.split(",")}
    return bool(names) and not names.isdisjoint({task.name, task.qualified_name, "*"})
