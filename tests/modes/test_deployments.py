"""Deployed flows and the mode they run in: job variables, and runs of a worker's, also killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from deployed import REPORT, Program, start, worker
from prefect.deployments import run_deployment
from prefect.flows import load_flow_from_entrypoint
from prefect.types.entrypoint import EntrypointType

import example_project.flows
from prefectx import use_mode

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pytest_prefectx.server.client import PrefectServer

pytestmark = pytest.mark.prefectx("prefect.skip")

POOL = "processes"


@pytest.fixture(scope="module")
def by_worker(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: PrefectServer
) -> Generator[Program]:
    """The worker, in whose folder the flow lies."""
    folder = tmp_path_factory.mktemp("worker")
    (folder / "report.py").write_text(REPORT)
    with worker(folder, POOL) as running:
        yield running


def deploy(folder: Path, name: str) -> None:
    """Deploy the flow of a folder to the worker's pool, in the mode that is in force."""
    flow: Any = load_flow_from_entrypoint(f"{folder}/report.py:report")
    stored: Any = flow.from_source(source=str(folder), entrypoint="report.py:report")
    stored.deploy(name=name, work_pool_name=POOL, build=False, print_next_steps=False)


def test_a_worker_runs_a_deployment_whose_process_was_killed_once_more(
    by_worker: Program, prefect_server: PrefectServer
) -> None:
    with use_mode("prefect.skip"):
        deploy(by_worker.folder, "by-worker")
    with by_worker.stopped_at_total("by-worker", ["monday", "friday"]) as (run, process):
        os.kill(process, signal.SIGKILL)
        assert by_worker.ended(run).is_crashed()
    again = start("by-worker", ["monday", "friday"])
    assert by_worker.ended(again).is_completed()
    (task_run,) = prefect_server.task_runs(again.id, expect=1)
    assert (by_worker.folder / "mode").read_text() == "prefect.skip"
    assert task_run.name.split()[0] == "total"


def test_a_run_that_prefect_starts_without_a_mode_is_in_mode_prefect_and_says_so(
    by_worker: Program,
) -> None:
    with use_mode("prefect"):
        deploy(by_worker.folder, "without-mode")
    run = start("without-mode", ["sunday"])
    assert by_worker.ended(run).is_completed()
    assert (by_worker.folder / "mode").read_text() == "prefect"
    assert not (by_worker.folder / "working/count/sunday").exists()
    said = by_worker.log.read_text()
    assert said.count("without PREFECTX, so it runs in mode prefect") == 1


@pytest.mark.nightly
def test_the_example_project_is_deployed_killed_and_resumed(
    by_worker: Program, tmp_path: Path
) -> None:
    """The second run makes what the first, killed in its middle, had not, and nothing twice."""
    delays: Any = example_project.flows.delays
    with use_mode("prefect.skip"):
        deployment = delays.to_deployment(
            "example",
            work_pool_name=POOL,
            job_variables={"working_dir": str(tmp_path)},
            # It is installed, so its file need not be found.
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
    deployment.apply()

    def journals() -> list[Path]:
        return [path for path in tmp_path.glob(".prefectx/journal/*.jsonl") if path.stat().st_size]

    killed = run_deployment("delays/example", parameters={"days": 1}, timeout=0)
    (journal,) = by_worker.wait_until(journals, "the first output")
    # Each process has a journal of its own, whose name has the process's number.
    os.kill(int(journal.stem.split("-")[-2]), signal.SIGKILL)
    assert by_worker.ended(killed).is_crashed()
    there = kept(tmp_path)
    assert there
    assert "out/yearly-1.json" not in there
    again = run_deployment("delays/example", parameters={"days": 1}, timeout=0)
    assert by_worker.ended(again).is_completed()
    now = kept(tmp_path)
    assert {name: now[name] for name in there} == there
    assert len(now) == 19
    table = json.loads((tmp_path / "out/yearly-1.json").read_text())
    flights = {"EWR": 305, "JFK": 297, "LGA": 240}
    assert {row["airport"]: row["flights"] for row in table} == flights


def kept(folder: Path) -> dict[str, int]:
    """Return when each output was made."""
    paths = [path for name in ("working", "out") for path in (folder / name).rglob("*")]
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in paths if path.is_file()
    }


@pytest.fixture
def report_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a flow, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "report.py"
    path.write_text(REPORT)
    return path


@pytest.mark.prefectx("prefect.skip", "prefect.cache", "prefect")
def test_a_deployment_names_the_mode_in_force_unless_it_is_prefect(
    report_file: Path, prefectx_mode: str
) -> None:
    flow: Any = load_flow_from_entrypoint(f"{report_file}:report")
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
def test_prefects_programs_find_flows_that_were_made_in_any_mode(report_file: Path) -> None:
    found: Any = load_flow_from_entrypoint(f"{report_file}:report")
    assert found.to_deployment("found").name == "found"
