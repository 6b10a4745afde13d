"""Two flows that one program serves: one is cancelled within its subflow, and run once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from deployed import program
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling
from prefect.variables import Variable
from pydantic import SecretStr

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_prefectx.server.client import PrefectServer

pytestmark = [pytest.mark.prefectx("prefect.skip"), pytest.mark.nightly]

FLOWS = """
import os
import time
from pathlib import Path
from prefect import serve
from prefect.blocks.system import Secret
from prefect.variables import Variable
from prefectx import current_mode, flow, load, task

@task(target="working/{funcname}/{day}")
def count(day: str) -> str:
    return f"{day} {Variable.get('unit')} {Secret.load('password').get()}"

@task(target="working/{funcname}/{day}")
def last(day: str) -> str:
    Path("waits").write_text(str(os.getpid()))
    while Path("wait").exists():
        time.sleep(0.05)
    return day

@flow
def inner(days: list[str]) -> list[str]:
    counts = count.map(days)
    counts.wait()
    return [*load(counts), load(last(days[0]))]

@flow
def outer(days: list[str]) -> None:
    Path("outer").write_text(str(inner(days)))

@flow
def other(days: list[str]) -> None:
    Path("other").write_text(f"{current_mode()} {load(count.map(days))}")

if __name__ == "__main__":
    serve(outer.to_deployment("together"), other.to_deployment("together"))
"""


def is_deployed() -> bool:
    with get_client(sync_client=True) as client:
        try:
            client.read_deployment_by_name("other/together")
        except ObjectNotFound:
            return False
    return True


def start(name: str) -> Any:
    return run_deployment(f"{name}/together", parameters={"days": ["monday", "friday"]}, timeout=0)


def test_a_run_that_is_cancelled_within_its_subflow_keeps_what_that_has_made(
    tmp_path: Path, prefect_server: PrefectServer
) -> None:
    (tmp_path / "flows.py").write_text(FLOWS)
    Variable.set("unit", "pages", overwrite=True)
    Secret(value=SecretStr("hidden")).save("password", overwrite=True)
    (tmp_path / "wait").touch()
    with program(tmp_path, "flows.py", PREFECTX="prefect.skip") as served:
        served.wait_until(is_deployed, "the deployments")
        run = start("outer")
        served.wait_until((tmp_path / "waits").exists, "the subflow's last task")
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run.id, Cancelling())
        assert served.ended(run).is_cancelled()
        (tmp_path / "wait").unlink()
        both = [start("outer"), start("other")]
        assert [served.ended(one).is_completed() for one in both] == [True, True]
        assert task_runs_of_subflow(prefect_server, both[0]) == ["last"]
    counts = ["monday pages hidden", "friday pages hidden"]
    assert (tmp_path / "outer").read_text() == str([*counts, "monday"])
    assert (tmp_path / "other").read_text() == f"prefect.skip {counts}"


def task_runs_of_subflow(server: PrefectServer, run: Any) -> list[str]:
    """Return the names of the task runs of a run's subflow, without their bases."""
    placeholders = {one.id for one in server.task_runs(run.id, expect=1)}
    inner = server.flow_runs(flow_name="inner", expect=1)
    (own,) = [one for one in inner if one.parent_task_run_id in placeholders]
    return [one.name.split()[0] for one in server.task_runs(own.id, expect=1)]
