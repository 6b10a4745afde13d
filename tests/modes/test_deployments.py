"""Deployed flows: served, run by a worker, cancelled, killed and resumed, on a real server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.states import Cancelling

from prefectx import use_mode

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_prefectx.server.client import PrefectServer

pytestmark = pytest.mark.prefectx("prefect.skip")

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
    return sum(counts)

@flow(log_prints=True)
def report(days: list[str]) -> int:
    return load(total(count.map(days)))

if __name__ == "__main__":
    report.serve(name="served")
"""


@pytest.fixture
def folder(tmp_path: Path, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "report.py").write_text(textwrap.dedent(REPORT))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Program:
    """A program that runs beside the test, and what it has said."""

    def __init__(self, folder: Path, started: subprocess.Popen[bytes]) -> None:
        self.log = folder / "log"
        self.started = started

    def wait_until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until `condition` gives something, and return it."""
        deadline = time.monotonic() + 300
        while not (found := condition()):
            if time.monotonic() > deadline or self.started.poll() is not None:
                pytest.fail(f"{what} never came:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.1)
        return found

    def ended(self, run: Any) -> Any:
        """Return the state that a run ends in."""

        def state() -> Any:
            with get_client(sync_client=True) as client:
                found = client.read_flow_run(run.id).state
            return found if found is not None and found.is_final() else None

        return self.wait_until(state, "the run's end")


@contextmanager
def process(folder: Path, *arguments: str, **variables: str | None) -> Generator[Program]:
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


def deployment_named(name: str) -> Any:
    with get_client(sync_client=True) as client, suppress(ObjectNotFound):
        return client.read_deployment_by_name(f"report/{name}")


def start(name: str, days: list[str]) -> Any:
    return run_deployment(f"report/{name}", parameters={"days": days}, timeout=0)


def test_a_served_flow_runs_in_the_mode_it_was_served_in_and_skips_what_is_there(
    folder: Path, prefect_server: PrefectServer
) -> None:
    with process(folder, "report.py", PREFECTX="prefect.skip") as program:
        program.wait_until(lambda: deployment_named("served"), "the deployment")
        first = start("served", ["monday", "friday"])
        assert program.ended(first).is_completed()
        assert (folder / "mode").read_text() == "prefect.skip"
        assert len(list((folder / "working/count").iterdir())) == 2
        (folder / "working/count/monday").unlink()
        again = start("served", ["monday", "friday"])
        assert program.ended(again).is_completed()
        # While it still runs: what it starts reports its task runs after its own end.
        names = [run.name for run in prefect_server.task_runs(first.id, expect=3)]
        # The one that was missing, and the one that had to wait for it.
        again_names = [run.name for run in prefect_server.task_runs(again.id, expect=2)]
    assert sorted(names)[:2] == ["count friday", "count monday"]
    assert min(again_names) == "count monday"


@pytest.mark.nightly
def test_a_served_run_can_be_cancelled_and_the_next_does_only_what_is_missing(
    folder: Path, prefect_server: PrefectServer
) -> None:
    (folder / "wait").touch()
    with process(folder, "report.py", PREFECTX="prefect.skip") as program:
        program.wait_until(lambda: deployment_named("served"), "the deployment")
        run = start("served", ["monday", "friday"])
        program.wait_until((folder / "waits").exists, "the task that waits")
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run.id, Cancelling())
        assert program.ended(run).is_cancelled()
        assert len(list((folder / "working/count").iterdir())) == 2
        assert not (folder / "working/total").exists()
        (folder / "wait").unlink()
        again = start("served", ["monday", "friday"])
        assert program.ended(again).is_completed()
        (task_run,) = prefect_server.task_runs(again.id, expect=1)
    assert task_run.name.split()[0] == "total"


def test_a_worker_runs_a_deployment_whose_process_was_killed_once_more(
    folder: Path, prefect_server: PrefectServer
) -> None:
    (folder / "wait").touch()
    deploy(folder, "by-worker", "prefect.skip")
    worker = ("-m", "prefect", "worker", "start", "--pool", "pool-by-worker", "--type", "process")
    with process(folder, *worker, PREFECTX=None, PREFECT_WORKER_QUERY_SECONDS="1") as program:
        run = start("by-worker", ["monday", "friday"])
        waits = folder / "waits"
        program.wait_until(lambda: waits.exists() and waits.read_text(), "the task that waits")
        os.kill(int(waits.read_text()), 9)
        assert program.ended(run).is_crashed()
        (folder / "wait").unlink()
        again = start("by-worker", ["monday", "friday"])
        assert program.ended(again).is_completed()
        (task_run,) = prefect_server.task_runs(again.id, expect=1)
    assert (folder / "mode").read_text() == "prefect.skip"
    assert task_run.name.split()[0] == "total"


def test_a_run_that_prefect_starts_without_a_mode_is_in_mode_prefect_and_says_so(
    folder: Path, prefect_server: PrefectServer
) -> None:
    deploy(folder, "without-mode", "prefect")
    worker = (
        "-m",
        "prefect",
        "worker",
        "start",
        "--pool",
        "pool-without-mode",
        "--type",
        "process",
    )
    with process(folder, *worker, PREFECTX=None, PREFECT_WORKER_QUERY_SECONDS="1") as program:
        run = start("without-mode", ["monday"])
        assert program.ended(run).is_completed()
    assert (folder / "mode").read_text() == "prefect"
    assert not (folder / "working").exists()
    assert (folder / "log").read_text().count("without PREFECTX, so it runs in mode prefect") == 1


def deploy(folder: Path, name: str, mode: str) -> None:
    """Deploy the flow to a work pool of its own, in the mode that is in force."""
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=f"pool-{name}", type="process"))
    with use_mode(mode):
        flow = load_flow_from_entrypoint(f"{folder / 'report.py'}:report")
        stored: Any = flow.from_source(source=str(folder), entrypoint="report.py:report")
        stored.deploy(
            name=name,
            work_pool_name=f"pool-{name}",
            build=False,
            print_next_steps=False,
            job_variables={"working_dir": str(folder)},
        )


@pytest.mark.prefectx("prefect.skip", "prefect.cache", "prefect")
def test_a_deployment_names_the_mode_in_force_unless_it_is_prefect(
    folder: Path, prefectx_mode: str
) -> None:
    flow: Any = load_flow_from_entrypoint(f"{folder / 'report.py'}:report")
    variables = {"env": {"TZ": "UTC"}, "cpu": 2}
    made = flow.to_deployment("named", work_pool_name="pool", job_variables=variables)
    told = {} if prefectx_mode == "prefect" else {"PREFECTX": prefectx_mode}
    assert made.job_variables == {"env": {"TZ": "UTC", **told}, "cpu": 2}
    chosen = {"env": {"PREFECTX": "cache"}}
    given = flow.to_deployment("named", work_pool_name="pool", job_variables=chosen)
    assert given.job_variables == chosen
    assert variables == {"env": {"TZ": "UTC"}, "cpu": 2}
    assert not flow.to_deployment("served").job_variables
    later = type(flow).to_deployment.aio(flow, "named", work_pool_name="pool")
    assert asyncio.run(later).job_variables == ({"env": told} if told else {})


@pytest.mark.prefectx("function")
def test_prefects_programs_find_flows_that_were_made_in_any_mode(folder: Path) -> None:
    found = load_flow_from_entrypoint(f"{folder / 'report.py'}:report")
    assert found.to_deployment("found").name == "found"
