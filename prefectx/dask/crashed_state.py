"""States of task runs whose output Dask has lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.states import Crashed

from prefectx.errors import TaskCrashed

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def crashed(message: str, error: BaseException) -> State[Any]:
    """Return the state of a run that crashed, with a message and its cause."""
    why = TaskCrashed(message)
    why.__cause__ = error
    return Crashed(message=message, data=why)


def lost(name: str, error: BaseException) -> State[Any]:
    """Return the state of a run whose large output was lost with its workers.

    Args:
        name: The name of the run.
        error: Dask's error.
    """
    return crashed(
        f"the output of task run {name!r} is lost: only the workers had it, and the cluster does"
        f" not return it ({type(error).__name__}: {error}). Run the flow again, and give the task"
        " a target to store its outputs.",
        error,
    )
