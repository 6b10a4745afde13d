"""The places where `prefect.skip` looks for targets: `check=` of `task_runner`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import clustered
import pytest
from example import wait_until
from prefect.runtime import flow_run
from schedulers import address_of

from prefectx import flow, last_run, load, use_mode, wait
from prefectx.dask import task_runner
from prefectx.errors import UnknownOption
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client, Scheduler

    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer


pytestmark = pytest.mark.prefectx("prefect.skip")

# The current folder of whoever looks: not the same for the test and the workers.
OWN_FOLDER = "/proc/self/cwd"


def states(prefect_server: PrefectServer, flow_run_id: str, count: int) -> set[str | None]:
    """Return the states of a flow's task runs, as soon as the server knows all of them."""
    runs = prefect_server.task_runs(flow_run_id, expect=count)
    wait_until(
        lambda: all(
            run.state and run.state.is_final() for run in prefect_server.task_runs(flow_run_id)
        )
    )
    assert len(runs) == count
    return {run.state_name for run in prefect_server.task_runs(flow_run_id)}


def warm(runner: object, task: Any, count: int = 4) -> str:
    """Make the targets, then run a flow on them; return the flow run's id."""
    with use_mode("cache"):
        for value in range(count):
            task(value)

    @flow(task_runner=runner)
    def again() -> str:
        futures = task.map(range(count))
        wait(futures)
        assert load(futures) == [2 * value for value in range(count)]
        return str(flow_run.id)

    return again()


def transitions(dask_scheduler: Scheduler) -> int:
    return int(dask_scheduler.transition_counter)


def test_cluster_is_not_even_made_for_a_flow_whose_targets_are_there(
    tmp_target: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    warm(task_runner(n_workers=1), clustered.double)
    logged = capsys.readouterr().err
    assert "Creating a new Dask cluster" not in logged
    run = last_run()
    assert run is not None
    report = run["double"]
    assert (report.ran, report.skipped) == (0, 4)


@pytest.mark.parametrize("check", ["auto", "client"])
def test_hits_make_no_task_run_and_send_nothing_to_the_scheduler(
    cluster_client: Client, prefect_server: PrefectServer, check: Any
) -> None:
    before = cluster_client.run_on_scheduler(transitions)
    runner = task_runner(address=address_of(cluster_client), check=check)
    assert prefect_server.task_runs(warm(runner, clustered.double, 50)) == []
    # To try out whether the workers see the same files takes one small task.
    most = 20 if check == "auto" else 0
    assert cluster_client.run_on_scheduler(transitions) - before <= most


def test_workers_alone_look_if_told_so(
    cluster_client: Client, prefect_server: PrefectServer
) -> None:
    runner = task_runner(address=address_of(cluster_client), check="worker")
    assert states(prefect_server, warm(runner, clustered.double), 4) == {"Cached"}


def test_one_worker_lists_the_folder_if_both_must_see_a_target(
    cluster_client: Client, prefect_server: PrefectServer
) -> None:
    before = cluster_client.run_on_scheduler(transitions)
    runner = task_runner(address=address_of(cluster_client), check="both")
    assert prefect_server.task_runs(warm(runner, clustered.double, 50)) == []
    assert 0 < cluster_client.run_on_scheduler(transitions) - before < 20


@pytest.mark.parametrize("check", ["auto", "both"])
def test_what_the_workers_do_not_see_is_made_there(
    cluster_client: Client,
    prefect_server: PrefectServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    check: Any,
) -> None:
    elsewhere = tmp_path / "client"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    task = clustered.double.with_options(store=Filestore(OWN_FOLDER))
    runner = task_runner(address=address_of(cluster_client), check=check)
    assert states(prefect_server, warm(runner, task), 4) == {"Completed"}


def test_probe_leaves_no_file_behind(cluster_client: Client, tmp_target: Targets) -> None:
    warm(task_runner(address=address_of(cluster_client)), clustered.double)
    assert not list(tmp_target.path.rglob("seen-*"))


def test_unknown_check_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownOption, match=r"auto, client, worker, both, not 'never'"):
        task_runner(check="never")  # type: ignore[arg-type]
