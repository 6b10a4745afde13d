"""Functions that run on a Dask worker. The scheduler, too, imports this module, without Prefect."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prefectx.dask.protocols import FOLDER
from prefectx.stores.folders.base import NO_SUCH_FILE

if TYPE_CHECKING:
    from prefectx.dask.outcome import Outcome


def run(call: bytes, awaited: list[Outcome]) -> Outcome:
    """Run a task's call.

    Args:
        call: The call, as `prefectx.dask.remote_call` makes it.
        awaited: What the calls that it waits for have given.
    """
    from prefectx.dask.remote_call import run_call

    return run_call(call, awaited)


def sees(path: str) -> bool:
    """Tell whether there is such a file where this runs."""
    return os.path.exists(path)


def names_in(folder: str) -> frozenset[str]:
    """Return what is in a folder where this runs, nothing if there is no such folder."""
    with suppress(*NO_SUCH_FILE):
        return frozenset(os.listdir(folder))
    return frozenset()


def forget(client: str, dask_scheduler: Any) -> None:
    """Forget, on the scheduler, what a client has left, and what killed ones have left."""
    kept = dask_scheduler.task_metadata.get(FOLDER, {})
    for name in list(kept):
        owner = name.partition(" ")[0]
        if owner == client or owner not in dask_scheduler.clients:
            del kept[name]
