"""Workers, schedulers and clients that die: no target is lost, and nothing is made twice."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import doomed
import pytest
from aftermath import Aftermath
from distributed import Client
from doomed import Gate

from prefectx import load
from prefectx.dask import task_runner
from prefectx.errors import TaskCrashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

pytestmark = pytest.mark.prefectx("prefect.skip")


@pytest.fixture
def cluster(dask_cluster: Any, tmp_target: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two workers, standing in the test's folder; a task may kill two of them."""
    monkeypatch.setattr(dask_cluster.scheduler, "allowed_failures", 1)
    with Client(dask_cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=doomed.PATIENCE)
        client.run(os.chdir, str(tmp_target.path))
    return dask_cluster


@pytest.fixture
def aftermath(cluster: Any, tmp_target: Any) -> Iterator[Aftermath]:
    after = Aftermath(tmp_target, cluster)
    yield after
    after.end()


@pytest.fixture
def pipeline(cluster: Any) -> Callable[[], Any]:
    """The flow, on the cluster."""
    runner = task_runner(address=cluster.scheduler_address)
    return doomed.pipeline.with_options(task_runner=runner)


@contextmanager
def running(flow: Callable[[], Any], *gates: Gate) -> Iterator[Future[Any]]:
    """Run the flow on a thread, with these gates shut until the block has ended."""
    for gate in gates:
        gate.shut()
    with ThreadPoolExecutor(1) as threads:
        try:
            yield threads.submit(copy_context().run, flow)
        finally:
            for gate in gates:
                gate.open()


def kill(pids: set[int], how: signal.Signals = signal.SIGKILL) -> None:
    for pid in pids:
        os.kill(pid, how)


def test_task_whose_worker_is_killed_runs_again_elsewhere(
    pipeline: Any, aftermath: Aftermath, tmp_target: Any, prefectx_mode: str
) -> None:
    add = Gate("add")
    with running(pipeline, add) as run:
        kill(add.came())
        add.came(2)
    assert load(run.result()) == doomed.EXPECTED
    assert tmp_target.runs == {"make": 3, "add": 2, "show": 1}
    aftermath.is_survived(pipeline)
