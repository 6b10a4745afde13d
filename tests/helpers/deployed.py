"""Programs that run beside a test, such as a served flow or a worker, and their flow runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from patience import PATIENCE
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

REPORT = """
import os
import time
from pathlib import Path
from prefectx import current_mode, flow, load, task

@task(target="working/{funcname}/{day}")
def count(day: str) -> int:
    return len(day)

@task(target="working/{funcname}/{base}")
def total(counts: list[int]) -> int:
    Path("mode").write_text(current_mode())
    if Path("wait").exists():
        Path("waits").write_text(str(os.getpid()))
        while Path("wait").exists():
            time.sleep(0.05)
    if Path("fail").exists():
        raise ValueError("there is a file that says so")
    return sum(counts)

@flow(log_prints=True)
def report(days: list[str]) -> int:
    return load(total(count.map(days)))

if __name__ == "__main__":
    report.serve(name="served")
"""


class Program:
    """A program that runs beside the test, in a folder of its own.

    Attributes:
        folder: The folder.
        log: The file with what the program has said.
    """

    def __init__(self, folder: Path, started: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.started = started

    def wait_until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until `condition` gives something, and return it."""
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            if time.monotonic() > deadline or self.started.poll() is not None:
                pytest.fail(f"{what} never came:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.1)
        return found

    def ended(self, run: Any) -> Any:
        """Return the state that a run ends in."""
        with get_client(sync_client=True) as client:

            def state() -> Any:
                found = client.read_flow_run(run.id).state
                return found if found is not None and found.is_final() else None

            return self.wait_until(state, "the run's end")

    @contextmanager
    def stopped_at_total(self, deployment: str, days: list[str]) -> Generator[tuple[Any, int]]:
        """Give a new run whose last task waits until the block ends, and its process's number."""
        waits = self.folder / "waits"
        waits.unlink(missing_ok=True)
        (self.folder / "wait").touch()
        try:
            run = start(deployment, days)
            condition = lambda: waits.exists() and waits.read_text()
            yield run, int(self.wait_until(condition, "the task that waits"))
        finally:
            (self.folder / "wait").unlink()


@contextmanager
def program(folder: Path, *arguments: str, **variables: str | None) -> Generator[Program]:
    """Run Python on the arguments, with these environment variables set, or unset if None."""
    environment = {**os.environ, "PREFECT_RUNNER_POLL_FREQUENCY": "1", **variables}
    kept = {name: value for name, value in environment.items() if value is not None}
    with (folder / "log").open("a") as log:
        started = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, env=kept, stdout=log, stderr=log
        )
    try:
        yield Program(folder, started)
    finally:
        started.terminate()
        try:
            started.wait(60)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextmanager
def worker(folder: Path, pool: str) -> Generator[Program]:
    """Run a worker that starts processes for the runs of a new work pool, without a mode."""
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
    command = ("-m", "prefect", "worker", "start", "--pool", pool, "--type", "process")
    variables = {"PREFECTX": None, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    with program(folder, *command, **variables) as running:
        yield running


def deployment_named(name: str) -> Any:
    """Return a deployment of the flow `report`; None if there is none yet."""
    with get_client(sync_client=True) as client, suppress(ObjectNotFound):
        return client.read_deployment_by_name(f"report/{name}")


def start(name: str, days: list[str]) -> Any:
    """Ask for a run of the flow `report`; return it without waiting for it."""
    return run_deployment(f"report/{name}", parameters={"days": days}, timeout=0)
