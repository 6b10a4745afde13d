"""States of task runs whose output Dask cannot give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.states import Crashed

from prefectx.errors import TaskCrashed

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def crashed(message: str, error: BaseException) -> State[Any]:
    """Return the state of a run that ended as `message` says, because of `error`."""
    why = TaskCrashed(message)
    why.__cause__ = error
    return Crashed(message=message, data=why)


def lost(name: str, error: BaseException) -> State[Any]:
    """Return the state of a run whose large output was on workers, which are gone.

    Args:
        name: The name of the run.
        error: What Dask says of it.
    """
    return crashed(
        f"the output of task run {name!r} is lost: it was kept on the workers alone, and the"
        f" cluster does not give it back ({type(error).__name__}: {error}). Run the flow again;"
        " give the task a target to keep its outputs.",
        error,
    )
