"""The states of task runs that Dask has lost, or whose output it has lost, with the reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from distributed import KilledWorker
from prefect.states import Crashed, Pending

from prefectx.errors import TaskCrashed

if TYPE_CHECKING:
    import uuid

    from prefect.client.schemas.objects import State


FLOW_ENDED: Final = "flow-ended"
"""The reason with which Dask cancels calls at the end of a flow."""


def crashed(name: str, error: BaseException) -> State[Any]:
    """Return the state of a run that did not end.

    Args:
        name: The name of the run.
        error: Dask's error.
    """
    return _crashed(_reason(name, error), error)


def not_ready(upstream: uuid.UUID) -> State[Any]:
    """Return the state of a run that waited for one that has failed.

    Args:
        upstream: The id of the run that has failed.
    """
    # Prefect's own words.
    message = f"Upstream task run '{upstream}' did not reach a 'COMPLETED' state."
    return Pending(name="NotReady", message=message)


def output_lost(name: str, error: BaseException) -> State[Any]:
    """Return the state of a run whose large output was lost with its workers.

    Args:
        name: The name of the run.
        error: Dask's error.
    """
    return _crashed(
        f"the output of task run {name!r} is lost: only the workers had it, and the cluster does"
        f" not return it ({type(error).__name__}: {error}). Run the flow again, and give the task"
        " a target to store its outputs.",
        error,
    )


def _crashed(message: str, error: BaseException) -> State[Any]:
    why = TaskCrashed(message)
    why.__cause__ = error
    return Crashed(message=message, data=why)


def _reason(name: str, error: BaseException) -> str:
    if isinstance(error, KilledWorker):
        workers = error.allowed_failures + 1
        of_all = f"each of the {workers} workers that ran it died, the last one"
        died = "its worker died, the one" if workers == 1 else of_all
        return (
            f"task run {name!r} crashed: {died} at {error.last_worker.address}. The usual reasons"
            " are a lack of memory, a crash of compiled code, or a task that held the global lock"
            " for so long that its worker was considered dead; see the worker's log. Use"
            " isolate=True for the task, or memory_limit= or keepalive= of task_runner."
        )
    if getattr(error, "reason", None) == FLOW_ENDED:
        return f"task run {name!r} crashed: its flow ended first."
    return (
        f"task run {name!r} crashed: the cluster did not complete it"
        f" ({type(error).__name__}: {error}). Finished outputs are stored. Run the flow again to"
        " make the missing ones."
    )
