"""A served flow: run by schedule and by hand, cancelled, failed and retried, on a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from deployed import REPORT, Program, deployment_named, program, start
from prefect.client.orchestration import get_client
from prefect.states import Cancelling

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_prefectx.server.client import PrefectServer

pytestmark = pytest.mark.prefectx("prefect.skip")


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: PrefectServer
) -> Generator[Program]:
    """The program that serves the flow, in mode `prefect.skip`."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "report.py").write_text(REPORT)
    with program(folder, "report.py", PREFECTX="prefect.skip") as running:
        running.wait_until(lambda: deployment_named("served"), "the deployment")
        yield running


def scheduled_run(server: PrefectServer, days: list[str]) -> Any:
    """Return a run that is due by a schedule of the deployment.

    The server is asked for the run of a minute ago: its own scheduler is off in tests.
    """
    deployment = deployment_named("served").id
    path = f"deployments/{deployment}"
    minute = {"interval": 60, "anchor_date": datetime.now(UTC).isoformat()}
    schedule = {"schedule": minute, "parameters": {"days": days}}
    with httpx.Client(base_url=f"{server.api_url}/", timeout=60) as api:
        api.post(f"{path}/schedules", json=[schedule]).raise_for_status()
        ago = datetime.now(UTC) - timedelta(seconds=70)
        when = {"start_time": ago.isoformat(), "max_runs": 1}
        api.post(f"{path}/schedule", json=when).raise_for_status()
    # Other tests may have run flows of this name.
    runs = server.flow_runs(flow_name="report", expect=1)
    (run,) = [run for run in runs if run.deployment_id == deployment]
    assert run.auto_scheduled
    return run


def test_a_scheduled_run_that_failed_and_is_retried_from_the_ui_does_only_what_is_missing(
    served: Program, prefect_server: PrefectServer
) -> None:
    (served.folder / "fail").touch()
    run = scheduled_run(prefect_server, ["monday", "friday"])
    assert served.ended(run).is_failed()
    assert (served.folder / "mode").read_text() == "prefect.skip"
    (served.folder / "fail").unlink()
    # What the button "Retry" sends.
    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
    url = f"{prefect_server.api_url}/flow_runs/{run.id}/set_state"
    httpx.post(url, json={"state": state, "force": True}, timeout=60).raise_for_status()
    assert served.ended(run).is_completed()
    # It is the same flow run: two counts and a total that failed, and then only a total.
    task_runs = prefect_server.task_runs(run.id, expect=4)
    assert sorted((one.name.split()[0], one.state_name) for one in task_runs) == [
        ("count", "Completed"),
        ("count", "Completed"),
        ("total", "Completed"),
        ("total", "Failed"),
    ]


@pytest.mark.nightly
def test_a_served_flow_skips_what_is_there(served: Program, prefect_server: PrefectServer) -> None:
    first = start("served", ["monday", "friday"])
    assert served.ended(first).is_completed()
    (served.folder / "working/count/monday").unlink()
    again = start("served", ["monday", "friday"])
    assert served.ended(again).is_completed()
    # While it still runs: what it starts reports its task runs after its own end.
    names = [run.name for run in prefect_server.task_runs(first.id, expect=3)]
    # The one that was missing, and the one that had to wait for it.
    again_names = [run.name for run in prefect_server.task_runs(again.id, expect=2)]
    assert sorted(names)[:2] == ["count friday", "count monday"]
    assert min(again_names) == "count monday"


@pytest.mark.nightly
def test_a_run_that_is_cancelled_through_the_api_keeps_what_it_has_made(
    served: Program, prefect_server: PrefectServer
) -> None:
    with served.stopped_at_total("served", ["tuesday", "thursday"]) as (run, _):
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run.id, Cancelling())
        assert served.ended(run).is_cancelled()
    made = served.folder / "working/count"
    assert {"tuesday", "thursday"} <= {path.name for path in made.iterdir()}
    again = start("served", ["tuesday", "thursday"])
    assert served.ended(again).is_completed()
    (task_run,) = prefect_server.task_runs(again.id, expect=1)
    assert task_run.name.split()[0] == "total"
