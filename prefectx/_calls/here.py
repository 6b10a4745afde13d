"""Context variables for the current run, and for whether a task's function is running."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

# A `Run`, whose class needs half of prefectx; what is here is needed from the first import.
run_here: ContextVar[Any] = ContextVar("prefectx_run", default=None)
"""The run of the outermost flow; None outside any flow."""

inside_task: ContextVar[bool] = ContextVar("prefectx_in_task", default=False)


def in_task() -> bool:
    """Tell whether a task's function is running here: calls within it return data, not Items."""
    return inside_task.get()
