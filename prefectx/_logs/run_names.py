"""The names of the run under way, where Prefect does not run it."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from prefectx._settings.scoped import Setting

if TYPE_CHECKING:
    from types import CodeType, FrameType

# Functions whose local `task` is the task that they call.
_ENTRIES: Final[set[CodeType]] = set()

_run_names: ContextVar[dict[str, str] | None] = ContextVar("prefectx_run_names", default=None)


def named_run(**names: str) -> Setting:
    """Put `names`, as `task_run_name` and `task_name`, on what is logged within."""
    return Setting(_run_names, {**(_run_names.get() or {}), **names})


def run_names() -> dict[str, str]:
    """Return the names of the run under way, as `task_run_name` and `task_name`.

    A call in mode `function` that has plain arguments does not note its names: that would take
    longer than all else of it. They are found on the stack. A thread of the function's own has
    another stack; in what it is to call, `named_run(**run_names())` puts the names.
    """
    names = dict(_run_names.get() or {})
    if "flow_name" in names:
        # Prefect makes one up for each run; here a flow's runs have no other.
        names["flow_run_name"] = names["flow_name"]
    name = _called_task()
    if name is None or names.get("task_name") == name:
        return names
    return {**names, "task_name": name, "task_run_name": name}


def find_task_in(code: CodeType) -> None:
    """Find the task whose run is under way in the local `task` of functions with this code."""
    _ENTRIES.add(code)


def _called_task() -> str | None:
    """Return the name of the task that is the innermost on the stack, up to an event loop."""
    # What inspect.currentframe is, which would take long to import.
    frame: FrameType | None = sys._getframe()  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_globals.get("__name__") != "asyncio.events":
        if frame.f_code in _ENTRIES:
            name: str = frame.f_locals["task"].name
            return name
        frame = frame.f_back
    return None
