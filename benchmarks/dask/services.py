"""Services of a benchmark, each in processes of its own: Prefect's server, Dask."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil
from distributed import Client

from pytest_prefectx.server.server import Server, wait_for_url

if TYPE_CHECKING:
    from collections.abc import Generator

HERE: Final = Path(__file__).parent
WORKERS: Final = 2
PATIENCE: Final = 60


class Cluster(NamedTuple):
    """A Dask cluster of one scheduler and two workers of one thread each.

    Attributes:
        address: The scheduler's.
        scheduler: Its process.
        workers: Those of the workers, without the one that watches over them.
    """

    address: str
    scheduler: psutil.Process
    workers: list[psutil.Process]


@contextmanager
def prefect_server(folder: Path) -> Generator[str]:
    """Give the address of the API of a new Prefect server."""
    server = Server(folder)
    try:
        yield f"{wait_for_url(folder, server)}/api"
    finally:
        server.stop()


def environment(folder: Path, api_url: str) -> dict[str, str]:
    """Return the variables of clients and workers: nothing of the user's own Prefect."""
    foreign = ("PREFECT", "DASK_", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {
        "DO_NOT_TRACK": "1",
        "PREFECT_API_URL": api_url,
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PYTHONPATH": str(HERE),
    }
    return kept | own


@contextmanager
def cluster(folder: Path, variables: dict[str, str]) -> Generator[Cluster]:
    """Start a cluster as one would by hand; all of its processes stand in `folder`."""
    file = str(folder / "scheduler.json")
    common = ["--scheduler-file", file, "--no-dashboard"]
    workers = ["--nworkers", str(WORKERS), "--nthreads", "1", "--local-directory", str(folder)]
    with (
        _running(["scheduler", "--port", "0", *common], folder, variables) as scheduler,
        _running(["worker", *common, *workers], folder, variables),
    ):
        # It waits for the file.
        with Client(scheduler_file=file, set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=PATIENCE)
            address = client.scheduler.address
            pids = client.run(os.getpid).values()
        yield Cluster(address, psutil.Process(scheduler.pid), [psutil.Process(pid) for pid in pids])


@contextmanager
def _running(
    arguments: list[str], folder: Path, variables: dict[str, str]
) -> Generator[subprocess.Popen[bytes]]:
    with (folder / f"{arguments[0]}.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own child
            [sys.executable, "-m", "dask", *arguments],
            cwd=folder,
            env=variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)
