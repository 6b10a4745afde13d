"""Runners: who runs a task; one class a mode, imported when the mode is first used."""

from __future__ import annotations

import importlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from prefectx._settings.mode import current_mode
from prefectx._settings.scoped import ScopedValue

if TYPE_CHECKING:
    from prefectx._runners.base import Runner
    from prefectx._settings.mode import Mode

_RUNNERS: Final[tuple[tuple[Mode, str, str], ...]] = (
    ("function", "prefectx._runners.function", "FunctionRunner"),
    ("cache", "prefectx._runners.cache", "CacheRunner"),
    ("prefect.skip", "prefectx._runners.prefect.modes", "PrefectSkipRunner"),
    ("prefect.cache", "prefectx._runners.prefect.modes", "PrefectCacheRunner"),
    ("prefect", "prefectx._runners.prefect.modes", "PrefectRunner"),
)

# Those that have been used.
_runners: Final[dict[Mode, Runner]] = {}

runner_override: Final[ContextVar[tuple[Mode, Runner] | None]] = ContextVar(
    "prefectx_runner", default=None
)
"""`use_runner`'s mode and runner, or None where none is set."""


def current_runner() -> Runner:
    """Return the runner of the mode that is in force here."""
    mode = current_mode()
    if (instead := runner_override.get()) is not None and instead[0] == mode:
        return instead[1]
    return _runners.get(mode) or _made(mode)


def use_runner(runner: Runner) -> ScopedValue:
    """Have `runner` run what the mode in force would run in the body of the `with` statement.

    The mode must be `use_mode`'s, not the environment's. Where the body switches to another mode,
    that mode's own runner runs it.
    """
    return ScopedValue(runner_override, (current_mode(), runner))


def _made(mode: Mode) -> Runner:
    module, name = next((module, name) for known, module, name in _RUNNERS if known == mode)
    runner: Runner = getattr(importlib.import_module(module), name)()
    return _runners.setdefault(mode, runner)
