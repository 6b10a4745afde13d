"""The setting `summary`: whether each outermost flow prints a report at its end."""

from __future__ import annotations

from typing import Final

from prefectx._settings.environment import Variable
from prefectx._settings.project import current_project

SUMMARY: Final = Variable("PREFECTX_SUMMARY")

_OFF: Final = frozenset({"0", "off", "no", "false", "never"})


def is_summary_wanted() -> bool:
    """Tell whether a run prints its report."""
    value = SUMMARY.get()
    if value is None:
        value = current_project().values.get("summary", "on")
    return value.lower() not in _OFF
