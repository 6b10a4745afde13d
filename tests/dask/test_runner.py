"""`task_runner`: what it keeps where, and what the server and the scheduler are told."""

from __future__ import annotations

import pickle
import sys
import threading
from typing import TYPE_CHECKING, Any

import clustered
import pytest
from distributed import Client, LocalCluster, Scheduler
from example import wait_until
from handles import flow_run_id_of
from prefect.client.schemas.objects import TaskRunResult
from prefect_dask import DaskTaskRunner
from schedulers import address_of

from prefectx import flow, load, tags, task, use_mode, wait
from prefectx.dask import task_runner, tested_versions
from prefectx.dask.connection import Connection
from prefectx.dask.scheduler_store import SchedulerStore
from prefectx.errors import ClusterUnreachable, LargePayload

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from prefect_dask.task_runners import DaskTaskRunner

    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer


pytestmark = pytest.mark.prefectx("prefect.cache")


SMALL = task_runner(n_workers=1, threads_per_worker=1, cluster_kwargs={"dashboard_address": ":0"})


def scheduler_tasks(dask_scheduler: Scheduler) -> list[object]:
    return [key for key in dask_scheduler.tasks if isinstance(key, tuple)]


def kept_on_scheduler(dask_scheduler: Scheduler) -> dict[str, object]:
    return dict(dask_scheduler.task_metadata.get("prefectx", {}))


@pytest.fixture
def on_cluster(cluster_client: Client) -> DaskTaskRunner:
    return task_runner(address=address_of(cluster_client))


def test_scheduler_forgets_a_task_as_soon_as_its_item_is_known(
    on_cluster: DaskTaskRunner, cluster_client: Client
) -> None:
    @flow(task_runner=on_cluster)
    def held() -> object:
        futures = clustered.double.map(range(5))
        wait(futures)
        wait_until(lambda: not cluster_client.run_on_scheduler(scheduler_tasks))
        return clustered.total.submit(futures)

    assert load(held()) == 20


@pytest.mark.prefectx("prefect.cache", "prefect")
def test_waiting_for_large_data_leaves_it_on_the_workers(on_cluster: DaskTaskRunner) -> None:
    @flow(task_runner=on_cluster)
    def held() -> object:
        future: Any = clustered.zeros.submit(3_000_000)
        wait([future])
        assert future.on_workers is not None
        size = clustered.length.submit(future)
        size.wait()
        assert future._final_state is None
        return size, len(future.result())

    assert load(held()) == (3_000_000, 3_000_000)


def ids_in(inputs: Iterable[object]) -> list[UUID]:
    """Return the ids of the task runs among the inputs of another."""
    return [found.id for found in inputs if isinstance(found, TaskRunResult)]


def test_server_knows_which_run_an_output_comes_from(
    on_cluster: DaskTaskRunner, prefect_server: PrefectServer
) -> None:
    runs: list[Any] = []

    @flow(task_runner=on_cluster)
    def chained() -> None:
        first = clustered.double.submit(1)
        first.wait()
        second = clustered.total.submit([first])
        third = clustered.total.submit([second, clustered.double.submit(2)], wait_for=[first])
        third.wait()
        futures: list[Any] = [first, second, third]
        runs.extend(future.task_run_id for future in futures)

    chained()
    first, second, third = runs
    wait_until(lambda: {run.id for run in prefect_server.task_runs()}.issuperset(runs))
    known = {run.id: run for run in prefect_server.task_runs()}
    assert ids_in(known[second].task_inputs["values"]) == [first]
    assert second in ids_in(known[third].task_inputs["values"])
    assert ids_in(known[third].task_inputs["wait_for"]) == [first]


def test_tags_and_rendered_names_reach_the_server(
    on_cluster: DaskTaskRunner, prefect_server: PrefectServer
) -> None:
    @flow(task_runner=on_cluster)
    def tagged() -> None:
        with tags("nightly"):
            clustered.double.submit(41).wait()

    flow_run = flow_run_id_of(tagged(return_state=True))
    [run] = prefect_server.task_runs(flow_run, name="double-41", expect=1)
    assert "nightly" in run.tags
    assert run.state_name == "Completed"


def test_key_has_the_rendered_name_second_and_the_functions_name_first(
    on_cluster: DaskTaskRunner, cluster_client: Client, tmp_target: Targets
) -> None:
    gate = str(tmp_target.path / "gate")

    @flow(task_runner=on_cluster)
    def named() -> None:
        future = clustered.wait_for_file.submit(gate, "report-7")
        wait_until((tmp_target.path / "gate.started").exists)
        [key] = cluster_client.run_on_scheduler(scheduler_tasks)
        (tmp_target.path / "gate").touch()
        future.wait()
        assert key[0].startswith("wait_for_file-")
        assert key[1] == "wait_for_file report-7"

    named()
    prefixes = cluster_client.run_on_scheduler(
        lambda dask_scheduler: [*dask_scheduler.task_prefixes]
    )
    assert "wait_for_file" in prefixes
    assert not [name for name in prefixes if "report-7" in str(name)]


def test_nothing_is_left_on_the_scheduler_and_no_thread_here(
    on_cluster: DaskTaskRunner, cluster_client: Client
) -> None:
    assert load(clustered.chain.with_options(task_runner=on_cluster)(3)) == 6
    assert cluster_client.run_on_scheduler(kept_on_scheduler) == {}
    assert not [thread for thread in threading.enumerate() if "collector" in thread.name]


def test_what_a_killed_client_has_left_on_the_scheduler_goes_with_the_next_flow(
    on_cluster: DaskTaskRunner, cluster_client: Client
) -> None:
    with Client(address_of(cluster_client), set_as_default=False) as killed:
        SchedulerStore(Connection(killed)).keep(b"never taken back")
    assert cluster_client.run_on_scheduler(kept_on_scheduler)
    assert load(clustered.chain.with_options(task_runner=on_cluster)(2)) == 2
    assert cluster_client.run_on_scheduler(kept_on_scheduler) == {}


def test_flow_that_does_not_wait_ends_and_gives_up_what_is_left(
    on_cluster: DaskTaskRunner, tmp_target: Targets
) -> None:
    gate = str(tmp_target.path / "gate")

    @flow(task_runner=on_cluster)
    def hurried() -> str:
        clustered.wait_for_file.submit(gate, "left")
        wait_until((tmp_target.path / "gate.started").exists)
        return "ended"

    assert load(hurried()) == "ended"
    (tmp_target.path / "gate").touch()


def test_large_argument_is_warned_of_by_its_name(on_cluster: DaskTaskRunner) -> None:
    @flow(task_runner=on_cluster)
    def heavy() -> object:
        return clustered.length.submit(data=bytes(2_000_000))

    with pytest.warns(LargePayload, match=r"a call of task 'length' .* 'data' is 2.0 MB"):
        assert load(heavy()) == 2_000_000


def test_large_global_of_a_task_that_no_module_knows_is_warned_of_and_sent_once(
    on_cluster: DaskTaskRunner, cluster_client: Client
) -> None:
    table = bytes(2_000_000)

    @task(target=None)
    def look(index: int) -> int:
        return table[index]

    @flow(task_runner=on_cluster)
    def heavy() -> object:
        futures = look.map(range(10))
        wait(futures)
        kept = cluster_client.run_on_scheduler(kept_on_scheduler)
        assert sum(map(len, kept.values())) < 3_000_000
        return futures

    with pytest.warns(LargePayload, match=r"the task 'look' .* 'table' is 2.0 MB"):
        assert load(heavy()) == [0] * 10


def test_what_is_not_tested_is_submitted_in_prefects_own_way(
    on_cluster: DaskTaskRunner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(tested_versions.TESTED, "distributed", ((1,), (2,)))
    tested_versions.can_submit_quickly.cache_clear()
    try:
        assert load(clustered.chain.with_options(task_runner=on_cluster)(3)) == 6
    finally:
        monkeypatch.undo()
        tested_versions.can_submit_quickly.cache_clear()
    assert "was not tested with distributed" in caplog.text


def test_renamed_private_name_leaves_prefects_own_way(
    on_cluster: DaskTaskRunner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("prefectx._runners.prefect.private.create_task_run", None)
    for name in ("submission", "lost_calls", "private"):
        monkeypatch.delitem(sys.modules, f"prefectx.dask.{name}", raising=False)
    tested_versions.can_submit_quickly.cache_clear()
    try:
        assert load(clustered.chain.with_options(task_runner=on_cluster)(3)) == 6
    finally:
        monkeypatch.undo()
        tested_versions.can_submit_quickly.cache_clear()
    assert "this Prefect, which has no create_task_run" in caplog.text
    assert "submitted in prefect-dask's own way" in caplog.text


def test_cluster_of_ours_is_not_started_for_calls_that_need_not_run(
    tmp_target: Targets, caplog: pytest.LogCaptureFixture
) -> None:
    with use_mode("cache"):
        clustered.chain(3)
    flow = clustered.chain.with_options(task_runner=task_runner(cluster_class="nowhere.Cluster"))
    with use_mode("prefect.skip"):
        assert load(flow(3)) == 6
    assert "Creating a new Dask cluster" not in caplog.text
    # A call that must run needs it.
    with use_mode("prefect.skip"), pytest.raises(ModuleNotFoundError, match="nowhere"):
        flow(4)


def test_runner_travels_with_all_its_options() -> None:
    runner = task_runner(
        n_workers=3, memory_limit="1GB", resources={"gpu": 1}, keepalive="1h", check="both"
    )
    for copy in (runner.duplicate(), pickle.loads(pickle.dumps(runner))):
        assert copy == runner
        assert (copy.keepalive, copy.check) == ("1h", "both")
        assert copy.cluster_kwargs == {
            "n_workers": 3,
            "memory_limit": "1GB",
            "resources": {"gpu": 1},
        }


def contexts_here() -> tuple[int, int]:
    from prefectx.dask.contexts import CONTEXTS

    rebuilt = CONTEXTS._contexts.values()
    return len(rebuilt), sum(one.users for one in rebuilt)


def test_workers_hold_the_contexts_of_the_latest_flow_runs_alone(
    on_cluster: DaskTaskRunner, cluster_client: Client
) -> None:
    for value in range(10):

        @flow(task_runner=on_cluster)
        def one_more(value: int = value) -> object:
            return clustered.double.map([value, value + 100])

        assert load(one_more()) == [2 * value, 2 * value + 200]
    for held, used in cluster_client.run(contexts_here).values():
        assert held <= 8
        assert used == 0


def test_schedulers_of_new_clusters_keep_no_logs_of_messages(tmp_target: Targets) -> None:
    lengths: list[int | None] = []

    @flow(task_runner=SMALL)
    def fresh() -> object:
        from prefect.context import FlowRunContext

        future = clustered.double.submit(1)
        run: Any = FlowRunContext.get()
        scheduler = run.task_runner._cluster.scheduler
        streams = [*scheduler.stream_comms.values(), *scheduler.client_comms.values()]
        lengths.extend(stream.recent_message_log.maxlen for stream in streams)
        return future

    assert load(fresh()) == 2
    assert set(lengths) == {1}


def test_workers_that_were_told_of_no_api_use_the_clients_own(
    prefect_server: PrefectServer, tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("PREFECT_API_URL")
        cluster = LocalCluster(
            n_workers=1, dashboard_address=":0", local_directory=str(tmp_target.path / "dask")
        )
    with cluster:

        @flow(task_runner=task_runner(address=cluster.scheduler_address))
        def told() -> object:
            return clustered.variable.submit("PREFECT_API_URL"), clustered.double.submit(77)

        state = told(return_state=True)
        assert load(state.result()) == (prefect_server.api_url, 154)
    [run] = prefect_server.task_runs(flow_run_id_of(state), name="double-77", expect=1)
    assert run.state_name == "Completed"


def test_address_where_no_scheduler_answers_is_told() -> None:
    @flow(task_runner=task_runner(address="tcp://127.0.0.1:1", client_kwargs={"timeout": 1}))
    def lost() -> object:
        return clustered.double.submit(1)

    with pytest.raises(ClusterUnreachable, match=r"tcp://127.0.0.1:1 .*dask scheduler"):
        lost()
