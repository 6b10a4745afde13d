"""The task runner of the current flow: where its tasks run, and which targets they see."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from prefect.context import FlowRunContext
from prefect.task_runners import ThreadPoolTaskRunner

from prefectx._runners.lookup import HERE, PLACEMENTS

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.lookup import Lookup


def flow_task_runner() -> Any:
    """Return the task runner of the current flow; None outside any flow."""
    flow_run = FlowRunContext.get()
    return flow_run and flow_run.task_runner


def lookup_of_flow() -> Lookup:
    """Return the lookup of the flow's task runner."""
    return getattr(flow_task_runner(), "lookup", HERE)


def placement(task: AnyTask, task_runner: Any) -> AbstractContextManager[Any]:
    """Return a context manager that applies the task's options for placement."""
    found = (place(task, task_runner) for place in PLACEMENTS)
    return next((place for place in found if place is not None), nullcontext())


def runs_in_threads(task_runner: Any) -> bool:
    """Tell whether tasks run in this process, where each run is counted."""
    return type(task_runner) is ThreadPoolTaskRunner


def runs_on_this_machine() -> bool:
    """Tell whether the flow's task runner runs tasks on this machine, with the same files."""
    return type(flow_task_runner()).__module__ == "prefect.task_runners"


def flattens_annotations(task_runner: Any) -> bool:
    """Tell whether a task runner does not find Prefect's annotations among arguments."""
    # Dask treats Prefect's annotations as plain tuples, which they are subclasses of.
    return type(task_runner).__module__.startswith("prefect_dask")
