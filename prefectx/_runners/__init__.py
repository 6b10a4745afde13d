"""Runners: one class for each mode, imported when the mode is first used."""

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
    ("prefect.skip", "prefectx._runners.prefect.skip_mode", "PrefectSkipRunner"),
    ("prefect.cache", "prefectx._runners.prefect.cache_mode", "PrefectCacheRunner"),
    ("prefect", "prefectx._runners.prefect.prefect_mode", "PrefectRunner"),
)

# The runners of the modes that have been used.
_runners: Final[dict[Mode, Runner]] = {}

runner_override: Final[ContextVar[tuple[Mode, Runner] | None]] = ContextVar(
    "prefectx_runner", default=None
)
"""The mode and the runner that `use_runner` has set, or None."""


def current_runner() -> Runner:
    """Return the runner of the current mode."""
    mode = current_mode()
    if (instead := runner_override.get()) is not None and instead[0] == mode:
        return instead[1]
    return _runners.get(mode) or _create(mode)


def use_runner(runner: Runner) -> ScopedValue:
    """Replace the current mode's runner in the body of the `with` statement.

    The mode must be set by `use_mode`, not by the environment. If the body switches to another
    mode, that mode's own runner is used.
    """
    return ScopedValue(runner_override, (current_mode(), runner))


def _create(mode: Mode) -> Runner:
    module, name = next((module, name) for known, module, name in _RUNNERS if known == mode)
    runner: Runner = getattr(importlib.import_module(module), name)()
    return _runners.setdefault(mode, runner)
