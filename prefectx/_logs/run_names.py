"""The names of the current run, without Prefect."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from prefectx._settings.scoped import ScopedValue

if TYPE_CHECKING:
    from types import CodeType, FrameType

# The code of functions whose local variable `task` is the task that they call.
_ENTRIES: Final[set[CodeType]] = set()

_run_names: ContextVar[dict[str, str] | None] = ContextVar("prefectx_run_names", default=None)


def named_run(**names: str) -> ScopedValue:
    """Add `names`, such as `task_run_name`, to the records that are logged within."""
    return ScopedValue(_run_names, {**(_run_names.get() or {}), **names})


def run_names() -> dict[str, str]:
    """Return the names of the current run, as `task_run_name` and `task_name`.

    A call in mode `function` with plain arguments does not set its names, because that would take
    longer than the rest of the call. They are found on the stack instead. A thread that the
    function starts has another stack: there, `named_run(**run_names())` sets the names.
    """
    names = dict(_run_names.get() or {})
    if "flow_name" in names:
        # Prefect invents a name for each run; without Prefect, runs have the flow's name.
        names["flow_run_name"] = names["flow_name"]
    name = _called_task()
    if name is None or names.get("task_name") == name:
        return names
    return {**names, "task_name": name, "task_run_name": name}


def register_entry(code: CodeType) -> None:
    """Register a function whose local variable `task` is the task that it calls."""
    _ENTRIES.add(code)


def _called_task() -> str | None:
    """Return the name of the innermost task on the stack, up to an event loop."""
    # As inspect.currentframe, which takes long to import.
    frame: FrameType | None = sys._getframe()  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_globals.get("__name__") != "asyncio.events":
        if frame.f_code in _ENTRIES:
            name: str = frame.f_locals["task"].name
            return name
        frame = frame.f_back
    return None
