"""Whether each outermost flow ends with a block that says what it did."""

from __future__ import annotations

from typing import Final

from prefectx._settings.environment import Variable
from prefectx._settings.project import project_in_force

SUMMARY: Final = Variable("PREFECTX_SUMMARY")

_OFF: Final = frozenset({"0", "off", "no", "false", "never"})


def is_summary_wanted() -> bool:
    """Tell whether a run shall say what it did."""
    value = SUMMARY.get()
    if value is None:
        value = project_in_force().values.get("summary", "on")
    return value.lower() not in _OFF
