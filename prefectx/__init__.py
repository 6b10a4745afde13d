"""Run the same Prefect code with or without Prefect, and keep each task's output in a file."""

from prefectx.context import context, gcontext
from prefectx.flow import Flow, flow
from prefectx.item import Item, item, load
from prefectx.logs import get_run_logger, tags
from prefectx.mapping import allow_failure, unmapped
from prefectx.mode import MODES, current_mode, use_mode
from prefectx.task import Task, task
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
