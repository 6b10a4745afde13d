"""What runs on a Dask worker. The scheduler, too, imports this module: it must need nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from prefectx.stores.places.base import NO_SUCH_FILE

if TYPE_CHECKING:
    from prefectx.dask.outcome import Outcome


def run(call: bytes, awaited: list[Outcome]) -> Outcome:
    """Run a task's call.

    Args:
        call: The call, as `prefectx.dask.call` makes it.
        awaited: What the calls that it waits for have given.
    """
    from prefectx.dask.call import run_call

    return run_call(call, awaited)


def sees(path: str) -> bool:
    """Tell whether there is such a file where this runs."""
    return os.path.exists(path)


def names_in(folder: str) -> frozenset[str]:
    """Return what is in a folder where this runs, nothing if there is no such folder."""
    with suppress(*NO_SUCH_FILE):
        return frozenset(os.listdir(folder))
    return frozenset()
