"""Functions that Dask's workers and scheduler call. The scheduler may have no Prefect."""

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
        call: The pickled `RemoteCall`.
        awaited: The outcomes of the calls that it depends on.
    """
    from prefectx.dask.remote_call import run_call

    return run_call(call, awaited)


def sees(path: str) -> bool:
    """Tell whether this process sees a file."""
    return os.path.exists(path)


def names_in(folder: str) -> frozenset[str]:
    """Return the names in a folder, as this process sees them; none if it does not exist."""
    with suppress(*NO_SUCH_FILE):
        return frozenset(os.listdir(folder))
    return frozenset()


def forget(client: str, dask_scheduler: Any) -> None:
    """Remove from the scheduler the data of a client, and of clients that were killed."""
    kept = dask_scheduler.task_metadata.get(FOLDER, {})
    for name in list(kept):
        owner = name.partition(" ")[0]
        if owner == client or owner not in dask_scheduler.clients:
            del kept[name]
