"""Workers, schedulers and clients that die: no target is lost, and nothing is made twice."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import clustered
import doomed
import pytest
from aftermath import Aftermath
from distributed import Client
from doomed import Gate
from patience import PATIENCE
from prefect.context import FlowRunContext
from processes import next_line

from prefectx import flow, load, wait
from prefectx.dask import task_runner
from prefectx.errors import ClusterUnreachable, TaskCrashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from distributed import LocalCluster

    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer


in_skip = pytest.mark.prefectx("prefect.skip")
in_both = pytest.mark.prefectx("prefect.skip", "prefect.cache")


@pytest.fixture
def cluster(
    dask_cluster: LocalCluster, tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Two workers, standing in the test's folder; a task may kill two of them."""
    monkeypatch.setattr(dask_cluster.scheduler, "allowed_failures", 1)
    with Client(dask_cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        client.run(os.chdir, str(tmp_target.path))
    return dask_cluster


@pytest.fixture
def aftermath(cluster: LocalCluster, tmp_target: Targets) -> Iterator[Aftermath]:
    after = Aftermath(tmp_target, cluster)
    yield after
    after.end()


@pytest.fixture
def pipeline(cluster: LocalCluster) -> Callable[[], Any]:
    """The flow, on the cluster."""
    runner = task_runner(address=cluster.scheduler_address)
    return doomed.pipeline.with_options(task_runner=runner)


@pytest.fixture
def endings(prefect_server: PrefectServer) -> Callable[[Any], dict[str, str]]:
    """How the tasks of a flow run have ended, as the API says."""

    def endings(flow_run_id: Any) -> dict[str, str]:
        def all_runs() -> Any:
            runs = prefect_server.task_runs(flow_run_id)
            return runs if len(runs) == len(doomed.VALUES) else None

        runs = doomed.eventually(all_runs, "each task run in the API")
        return {run.name.split()[0]: f"{run.state_name}: {run.state.message}" for run in runs}

    return endings


@contextmanager
def running(flow: Callable[..., Any], *gates: Gate) -> Iterator[Future[Any]]:
    """Run the flow on a thread, with these gates shut until the block has ended."""
    for gate in gates:
        gate.shut()
    with ThreadPoolExecutor(1) as threads:
        try:
            yield threads.submit(copy_context().run, flow, return_state=True)
        finally:
            for gate in gates:
                gate.open()


def state_of(run: Future[Any], cluster: LocalCluster) -> Any:
    """Return the state that a flow ends in; end one that waits for a cluster in vain."""
    try:
        return run.result(PATIENCE)
    except TimeoutError:
        workers = {nanny.worker_address: nanny.status for nanny in cluster.workers.values()}
        cluster.close()
        pytest.fail(f"the flow waits for the cluster, whose workers are {workers}")


def kill(pids: set[int], how: signal.Signals = signal.SIGKILL) -> None:
    for pid in pids:
        os.kill(pid, how)


@in_skip
def test_task_whose_worker_is_killed_runs_again_elsewhere(
    pipeline: Callable[[], Any], aftermath: Aftermath, tmp_target: Targets, prefectx_mode: str
) -> None:
    add = Gate("add")
    with running(pipeline, add) as run:
        kill(add.came())
        add.came(2)
    assert load(run.result().result()) == doomed.EXPECTED
    assert tmp_target.runs == {"make": 3, "add": 2, "show": 1}
    aftermath.is_survived(pipeline)


@in_skip
def test_outputs_outlive_the_workers_that_made_them(
    pipeline: Callable[[], Any],
    cluster: Any,
    aftermath: Aftermath,
    tmp_target: Targets,
    endings: Callable[[Any], dict[str, str]],
) -> None:
    between = Gate("between")
    with running(pipeline, between) as run:
        between.came()
        dying = set(cluster.scheduler.workers)
        kill({nanny.pid for nanny in cluster.workers.values()})
        doomed.eventually(lambda: not dying & set(cluster.scheduler.workers), "their end")
    state = run.result()
    assert load(state.result()) == doomed.EXPECTED
    assert tmp_target.runs == {"make": 3, "add": 1, "show": 1}
    # A task run that was made again for its lost result would end as `Cached`.
    assert endings(state.state_details.flow_run_id)["make"] == "Completed: "
    aftermath.is_survived(pipeline)


@in_skip
def test_task_that_always_kills_its_worker_ends_crashed(
    pipeline: Callable[[], Any],
    cluster: LocalCluster,
    aftermath: Aftermath,
    tmp_target: Targets,
    endings: Callable[[Any], dict[str, str]],
) -> None:
    Gate("add").be_deadly()
    with running(pipeline) as run:
        state = state_of(run, cluster)
    with pytest.raises(TaskCrashed, match=r"'add all' crashed: each of the 2 workers .* died"):
        load(state.result())
    assert state.is_failed()
    ended = endings(state.state_details.flow_run_id)
    assert "Crashed: task run 'add all' crashed: each of the 2 workers" in ended["add"]
    assert ended["show"].startswith("NotReady")
    assert tmp_target.runs == {"make": 3, "add": 2}
    Gate("add").be_harmless()
    aftermath.is_survived(pipeline)


@in_skip
def test_scheduler_that_dies_fails_what_runs_and_what_is_submitted(
    pipeline: Callable[[], Any], aftermath: Aftermath, tmp_target: Targets
) -> None:
    scheduler, address = aftermath.start_scheduler()
    aftermath.start_worker(address)

    @flow(task_runner=task_runner(address=address, client_kwargs={"timeout": 3}))
    def stubborn() -> Any:
        kept_there, made = clustered.zeros.submit(100_000), doomed.make.map(range(3))
        wait([kept_there, *made])
        with pytest.raises(TaskCrashed, match="the cluster did not complete it"):
            doomed.add.submit(made).result()
        with pytest.raises(TaskCrashed, match="'zeros' is lost"):
            kept_there.result()
        with pytest.raises(ClusterUnreachable, match="does not answer any more"):
            doomed.show.submit(3_000)
        client = client_of_the_flow()
        doomed.eventually(lambda: client.status == "closed", "the client's giving up")
        return doomed.show.submit(3_000)

    add = Gate("add")
    with running(stubborn, add) as run:
        add.came()
        scheduler.kill()
        with pytest.raises(ClusterUnreachable, match="does not answer any more"):
            run.result().result()
    aftermath.is_survived(pipeline)


def client_of_the_flow() -> Client:
    """Return the client of the running flow's task runner."""
    run: Any = FlowRunContext.get()
    client: Client = run.task_runner.client
    return client


@in_skip
def test_scheduler_that_is_started_anew_is_told_and_the_next_run_makes_what_is_missing(
    aftermath: Aftermath, tmp_target: Targets
) -> None:
    scheduler, address = aftermath.start_scheduler()
    aftermath.start_worker(address)
    runner = task_runner(address=address)

    @flow(task_runner=runner)
    def stubborn() -> Any:
        made = doomed.make.map(range(3))
        added = doomed.add.submit(made)
        add.came()
        client = client_of_the_flow()
        before = client.scheduler_comm
        scheduler.kill()
        scheduler.wait()
        # Otherwise it would finish the task, and write its target.
        kill(add.came())
        aftermath.start_scheduler(address)
        aftermath.start_worker(address)

        def has_found_another() -> bool:
            return client.status == "running" and client.scheduler_comm is not before

        doomed.eventually(has_found_another, "the client's finding the new scheduler")
        with pytest.raises(TaskCrashed, match="the cluster did not complete it"):
            added.result()
        return doomed.show.submit(3_000)

    add = Gate("add")
    with (
        running(stubborn, add) as run,
        pytest.raises(ClusterUnreachable, match="or has been started anew"),
    ):
        run.result(PATIENCE).result()
    assert "add/all" not in tmp_target.items()
    assert load(doomed.pipeline.with_options(task_runner=runner)()) == doomed.EXPECTED
    assert tmp_target.runs == {"make": 3, "add": 2, "show": 1}


@in_skip
@pytest.mark.parametrize("state", ["hanging", pytest.param("absent", marks=pytest.mark.nightly)])
def test_flow_that_waits_for_a_scheduler_in_vain_ends_at_the_signal_to_end(
    state: str, aftermath: Aftermath
) -> None:
    scheduler, address = aftermath.start_scheduler()
    add = Gate("add")
    if state == "absent":
        scheduler.kill()
        scheduler.wait()
    else:
        aftermath.start_worker(address)
        add.shut()
    # Dask's client is not to end the wait.
    process = aftermath.start_flow(address, "600s")
    assert process.stdout is not None
    if state == "absent":
        doomed.eventually(lambda: "Connecting to" in next_line(process), "the attempt")
    else:
        add.came()
        scheduler.send_signal(signal.SIGSTOP)
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert process.returncode != 0


@in_both
def test_run_after_a_killed_client_uses_what_its_orphans_wrote(
    pipeline: Callable[[], Any],
    cluster: LocalCluster,
    aftermath: Aftermath,
    tmp_target: Targets,
    prefectx_mode: str,
) -> None:
    add = Gate("add")
    add.shut()
    client = aftermath.start_flow(cluster.scheduler_address)
    add.came()
    client.kill()
    client.wait()
    add.open()
    doomed.eventually(lambda: "add/all" in tmp_target.items(), "the orphan's target")
    assert tmp_target.runs == {"make": 3, "add": 1}
    aftermath.is_survived(pipeline)


@in_skip
@pytest.mark.nightly
def test_worker_that_was_cut_off_does_no_harm_when_it_returns(
    pipeline: Callable[[], Any], aftermath: Aftermath, tmp_target: Targets
) -> None:
    add = Gate("add")
    _, address = aftermath.start_scheduler(worker_ttl="1s")
    workers = [aftermath.start_worker(address, "--no-nanny") for _ in range(2)]
    flow = doomed.pipeline.with_options(task_runner=task_runner(address=address))
    with running(flow, add) as run:
        cut_off = add.came()
        kill(cut_off, signal.SIGSTOP)
        add.came(2)
        kill(cut_off, signal.SIGCONT)
    assert load(run.result().result()) == doomed.EXPECTED
    assert tmp_target.runs == {"make": 3, "add": 2, "show": 1}
    doomed.eventually(lambda: any(worker.poll() == 0 for worker in workers), "its end")
    aftermath.end()
    aftermath.is_survived(pipeline)


@in_skip
def test_two_flows_may_make_the_same_targets_at_once(
    pipeline: Callable[[], Any], cluster: LocalCluster, aftermath: Aftermath, tmp_target: Targets
) -> None:
    add = Gate("add")
    with running(pipeline, add) as run:
        add.came()
        other = aftermath.start_flow(cluster.scheduler_address)
        add.came(2)
    assert load(run.result().result()) == doomed.EXPECTED
    assert other.communicate()[0].endswith(doomed.EXPECTED)
    assert tmp_target.runs["add"] == 2
    aftermath.is_survived(pipeline)


@in_skip
def test_ctrl_c_leaves_nothing_behind(
    pipeline: Callable[[], Any],
    aftermath: Aftermath,
    endings: Callable[[Any], dict[str, str]],
    prefect_server: PrefectServer,
) -> None:
    add = Gate("add")
    add.shut()
    process = aftermath.start_flow()
    add.came()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE)
    assert output.endswith("KeyboardInterrupt\n")
    # With its end: another process's id may begin with this one's.
    (run,) = prefect_server.flow_runs(name=f"run-{process.pid}.")
    assert run.state_name == "Crashed"
    ended = endings(run.id)
    assert "Crashed: task run 'add all' crashed: its flow ended first" in ended["add"]
    assert ended["show"].startswith("NotReady")
    add.open()
    aftermath.is_survived(pipeline)
