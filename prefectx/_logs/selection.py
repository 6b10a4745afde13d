"""The selection of loggers and levels: chosen here, and sent to wherever a task runs."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prefectx.errors import UnknownLevel

if TYPE_CHECKING:
    from collections.abc import Generator

LOGGERS_VARIABLE: Final = "PREFECT_LOGGING_EXTRA_LOGGERS"
LEVEL_VARIABLE: Final = "PREFECT_LOGGING_LEVEL"


@dataclass(frozen=True, slots=True)
class LogSelection:
    """The loggers whose lines belong to runs, and their level.

    Attributes:
        loggers: The names of the loggers; their children are included.
        level: The lowest level; None: that of `PREFECT_LOGGING_LEVEL`, for loggers without a
            level of their own.
    """

    loggers: tuple[str, ...]
    level: int | None = None

    def names(self, logger: str) -> bool:
        """Tell whether the logger, or one above it, is selected."""
        return any(logger == own or logger.startswith(f"{own}.") for own in self.loggers)

    def outermost(self) -> tuple[str, ...]:
        """Return the loggers that are below no other one: these get the lines of all."""
        return tuple(
            name
            for name in self.loggers
            if not any(name.startswith(f"{other}.") for other in self.loggers)
        )

    def merge(self, other: LogSelection | None) -> LogSelection:
        """Return the union with `other`; the level is this one's, if it has one."""
        if other is None:
            return self
        loggers = tuple(dict.fromkeys((*self.loggers, *other.loggers)))
        return LogSelection(loggers, other.level if self.level is None else self.level)


_task_selection: ContextVar[LogSelection | None] = ContextVar("prefectx_wanted_logs", default=None)


def task_selection() -> LogSelection | None:
    """Return the selection that was sent with the current task run."""
    return _task_selection.get()


@contextmanager
def use_selection(selection: LogSelection | None) -> Generator[None]:
    """Use a selection within the `with` statement; None: that of this process."""
    token = _task_selection.set(selection)
    try:
        yield
    finally:
        _task_selection.reset(token)


def prefect_selection() -> LogSelection | None:
    """Return the selection of Prefect's own setting; None if it is empty."""
    names = _setting(LOGGERS_VARIABLE)
    return LogSelection(as_names(names)) if names else None


def default_level() -> int:
    """Return the level of Prefect's own setting, or else INFO."""
    return as_level(_setting(LEVEL_VARIABLE) or logging.INFO)


def _setting(name: str) -> Any:
    # If Prefect is loaded, it also reads profiles and temporary settings. It is not imported for
    # this alone.
    setting = getattr(sys.modules.get("prefect.settings"), name, None)
    return os.environ.get(name) if setting is None else setting.value()


def as_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names of loggers, each once; a text may have several, separated by commas."""
    parts = names.split(",") if isinstance(names, str) else names
    return tuple(dict.fromkeys(name.strip() for name in parts if name.strip()))


def as_level(level: int | str) -> int:
    """Return the number of a level, which may be a name.

    Raises:
        UnknownLevel: There is no level with this name.
    """
    if isinstance(level, int):
        return level
    levels = logging.getLevelNamesMapping()
    if (found := levels.get(level.upper())) is None:
        names = ", ".join(sorted(levels, key=lambda name: levels[name]))
        msg = f"unknown level {level!r}. Use one of {names}, or a number."
        raise UnknownLevel(msg)
    return found
