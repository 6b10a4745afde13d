"""A task that holds Python's lock for longer than a worker may be silent.

Run as `python benchmarks/dask/keepalive.py`: one task three times, on a cluster of its own each
time, whose scheduler bears silent workers for 5 seconds: as it is, isolated, and with its ttl
raised.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import logging
import os
import tempfile
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Before Prefect is imported.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="prefectx-keepalive-")
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "120"
os.environ["PREFECTX"] = "prefect.cache"

import dask
from distributed import Client, LocalCluster
from prefect.cache_policies import NO_CACHE
from prefect_dask import DaskTaskRunner

from prefectx import flow, task
from prefectx.dask.keepalive import raise_ttl

PATIENCE = 120.0
"""For how many seconds a task is waited for."""


@task(target=None, cache_policy=NO_CACHE)
def hold(seconds: int) -> float:
    """Sleep without giving up the lock that Python's threads need to run."""
    start = time.monotonic()
    ctypes.PyDLL(None).sleep(seconds)
    return time.monotonic() - start


def no_more(_client: Client) -> None:
    """Leave a cluster as it is."""


def outcome(case: Any, hold_for: int, ttl: int, prepare: Callable[[Client], Any]) -> str:
    """Run the task on a cluster of its own; say how it ended."""
    with (
        tempfile.TemporaryDirectory() as folder,
        dask.config.set({"distributed.scheduler.worker-ttl": ttl}),
        LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0", local_directory=folder
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        # The import of Prefect, too, keeps a worker silent for some seconds.
        cluster.scheduler.worker_ttl = 300
        client.run(importlib.import_module, "prefect_dask")
        cluster.scheduler.worker_ttl = ttl
        prepare(client)

        @flow(task_runner=DaskTaskRunner(address=cluster.scheduler_address))
        def one() -> str:
            future = case.submit(hold_for)
            future.wait(timeout=PATIENCE)
            return str(future.state.name)

        try:
            return one()
        except BaseException as error:  # noqa: BLE001 - that is what is shown
            return f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hold", type=int, default=20, help="how many seconds the task holds it")
    parser.add_argument("--ttl", type=int, default=5, help="for how many a worker may be silent")
    given = parser.parse_args()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    print(f"a task that holds the lock for {given.hold} s, with a ttl of {given.ttl} s\n")
    print("| | state of the task run | seconds in all |\n|---|---|---|")
    cases: dict[str, tuple[Any, Callable[[Client], Any]]] = {
        "as it is": (hold, no_more),
        "isolate=True": (hold.with_options(isolate=True), no_more),
        "ttl raised to 1 h": (hold, lambda client: raise_ttl(client, "1h")),
    }
    for name, (case, prepare) in cases.items():
        start = time.monotonic()
        ended = outcome(case, given.hold, given.ttl, prepare)
        print(f"| {name} | {ended} | {time.monotonic() - start:.0f} |", flush=True)


if __name__ == "__main__":
    main()
