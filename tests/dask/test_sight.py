"""Where `prefect.skip` looks: `check=` of `task_runner`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import clustered
import pytest
from processes import until

from prefectx import flow, load, use_mode, wait
from prefectx.dask import task_runner
from prefectx.errors import UnknownOption
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.prefectx("prefect.skip")

# The current folder of whoever looks: not the same for the test and the workers.
OWN_FOLDER = "/proc/self/cwd"


def runs_of(prefect_server: Any, runs: list[Any]) -> set[str]:
    """Return the states of these task runs, as soon as the server knows them."""
    until(lambda: {run.id for run in prefect_server.task_runs()}.issuperset(runs))
    return {run.state.name for run in prefect_server.task_runs() if run.id in runs}


def warm(runner: Any, task: Any, count: int = 4) -> list[Any]:
    """Make the targets, then run a flow on them; return the ids of the futures that it had."""
    with use_mode("cache"):
        for value in range(count):
            task(value)

    @flow(task_runner=runner)
    def again() -> list[Any]:
        futures = task.map(range(count))
        wait(futures)
        assert load(futures) == [2 * value for value in range(count)]
        return [getattr(future, "task_run_id", None) for future in futures]

    return load(again())


def transitions(dask_scheduler: Any) -> int:
    return int(dask_scheduler.transition_counter)


def test_cluster_is_not_even_made_for_a_flow_whose_targets_are_there(
    tmp_target: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    warm(task_runner(n_workers=1), clustered.double)
    logged = capsys.readouterr().err
    assert "Creating a new Dask cluster" not in logged
    assert logged.count("Skipped 4 calls whose targets are there: double 4") == 1


@pytest.mark.parametrize("check", ["auto", "client"])
def test_hits_make_no_task_run_and_send_nothing_to_the_scheduler(
    cluster_client: Any, prefect_server: Any, check: Any
) -> None:
    before = cluster_client.run_on_scheduler(transitions)
    known = len(prefect_server.task_runs())
    warm(task_runner(address=cluster_client.scheduler.address, check=check), clustered.double, 50)
    assert len(prefect_server.task_runs()) == known
    # To try out whether the workers see the same files takes one small task.
    most = 20 if check == "auto" else 0
    assert cluster_client.run_on_scheduler(transitions) - before <= most


def test_workers_alone_look_if_told_so(cluster_client: Any, prefect_server: Any) -> None:
    runner = task_runner(address=cluster_client.scheduler.address, check="worker")
    assert runs_of(prefect_server, warm(runner, clustered.double)) == {"Cached"}


def test_one_worker_lists_the_folder_if_both_must_see_a_target(
    cluster_client: Any, prefect_server: Any
) -> None:
    known = len(prefect_server.task_runs())
    before = cluster_client.run_on_scheduler(transitions)
    runner = task_runner(address=cluster_client.scheduler.address, check="both")
    warm(runner, clustered.double, 50)
    assert len(prefect_server.task_runs()) == known
    assert 0 < cluster_client.run_on_scheduler(transitions) - before < 20


@pytest.mark.parametrize("check", ["auto", "both"])
def test_what_the_workers_do_not_see_is_made_there(
    cluster_client: Any,
    prefect_server: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    check: Any,
) -> None:
    elsewhere = tmp_path / "client"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    task = clustered.double.with_options(store=Filestore(OWN_FOLDER))
    runner = task_runner(address=cluster_client.scheduler.address, check=check)
    assert runs_of(prefect_server, warm(runner, task)) == {"Completed"}


def test_probe_leaves_no_file_behind(cluster_client: Any, tmp_target: Any) -> None:
    warm(task_runner(address=cluster_client.scheduler.address), clustered.double)
    assert not list(tmp_target.path.rglob("seen-*"))


def test_unknown_check_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownOption, match=r"auto, client, worker, both, not 'never'"):
        task_runner(check="never")  # type: ignore[arg-type]
