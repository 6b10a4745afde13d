"""What is to be logged: asked for here, and carried to wherever a task runs."""

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
class Wanted:
    """What is to be logged.

    Attributes:
        loggers: The names of the loggers whose lines count as a run's own; their children's too.
        level: The lowest level, or None: what `PREFECT_LOGGING_LEVEL` says, for loggers without
            a level of their own.
    """

    loggers: tuple[str, ...]
    level: int | None = None

    def names(self, logger: str) -> bool:
        """Tell whether the logger, or one above it, is among those that are wanted."""
        return any(logger == own or logger.startswith(f"{own}.") for own in self.loggers)

    def outermost(self) -> tuple[str, ...]:
        """Return the loggers that are below none of the others: these get the lines of all."""
        return tuple(
            name
            for name in self.loggers
            if not any(name.startswith(f"{other}.") for other in self.loggers)
        )

    def joined(self, other: Wanted | None) -> Wanted:
        """Return what is wanted if `other` is too; the level is this one's, if it has one."""
        if other is None:
            return self
        loggers = tuple(dict.fromkeys((*self.loggers, *other.loggers)))
        return Wanted(loggers, other.level if self.level is None else self.level)


_carried: ContextVar[Wanted | None] = ContextVar("prefectx_wanted_logs", default=None)


def carried() -> Wanted | None:
    """Return what came with the task run that is under way here."""
    return _carried.get()


@contextmanager
def carrying(wanted: Wanted | None) -> Generator[None]:
    """Have `wanted` count within the `with` statement; None: what counts in this process."""
    token = _carried.set(wanted)
    try:
        yield
    finally:
        _carried.reset(token)


def set_by_prefect() -> Wanted | None:
    """Return what Prefect's own setting names, or None if it names nothing."""
    names = _setting(LOGGERS_VARIABLE)
    return Wanted(as_names(names)) if names else None


def default_level() -> int:
    """Return the level that Prefect's own setting names, else INFO."""
    return as_level(_setting(LEVEL_VARIABLE) or logging.INFO)


def _setting(name: str) -> Any:
    # Where Prefect is in use it knows profiles and settings of a context too; it is not imported
    # only to be asked.
    setting = getattr(sys.modules.get("prefect.settings"), name, None)
    return os.environ.get(name) if setting is None else setting.value()


def as_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names of loggers, which may be one text with commas, each once."""
    given = names.split(",") if isinstance(names, str) else names
    return tuple(dict.fromkeys(name.strip() for name in given if name.strip()))


def as_level(level: int | str) -> int:
    """Return a level, which may be a name, as its number.

    Raises:
        UnknownLevel: There is no level of that name.
    """
    if isinstance(level, int):
        return level
    levels = logging.getLevelNamesMapping()
    if (found := levels.get(level.upper())) is None:
        there = ", ".join(sorted(levels, key=lambda name: levels[name]))
        msg = f"unknown level {level!r}: logging has {there}, and numbers."
        raise UnknownLevel(msg)
    return found
