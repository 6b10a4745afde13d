"""Run the same Prefect code with or without Prefect, and keep each task's output in a file."""

from __future__ import annotations

from importlib import import_module

from prefectx.context import context, gcontext
from prefectx.flow import Flow, flow
from prefectx.item import Item, item, load
from prefectx.mapping import allow_failure, unmapped
from prefectx.mode import MODES, current_mode, use_mode
from prefectx.task import Task, task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from prefectx.logs import get_run_logger, tags
    from prefectx.waiting import as_completed, wait

__all__ = [
    "MODES",
    "Flow",
    "Item",
    "Task",
    "allow_failure",
    "as_completed",
    "context",
    "current_mode",
    "flow",
    "gcontext",
    "get_run_logger",
    "item",
    "load",
    "tags",
    "task",
    "unmapped",
    "use_mode",
    "wait",
]

# Imported when first used: logging alone takes as long to import as half of prefectx.
_LATER = {
    "as_completed": "prefectx.waiting",
    "get_run_logger": "prefectx.logs",
    "tags": "prefectx.logs",
    "wait": "prefectx.waiting",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
