"""`resources`, `priority` and `workers` of a task, beside `dask.annotate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import clustered
import dask
import pytest
from distributed import Client, LocalCluster
from example import wait_until
from prefect_dask import DaskTaskRunner

from prefectx import flow, load, wait
from prefectx.dask import task_runner
from prefectx.errors import NoSuchResource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("prefect")


@pytest.fixture(scope="module")
def two_workers(
    prefectx_mode: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalCluster]:
    """A cluster of two workers, of which both offer one process."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        resources={"process": 1},
        dashboard_address=":0",
        local_directory=str(tmp_path_factory.mktemp("dask")),
    ) as cluster:
        yield cluster


@pytest.fixture(params=[task_runner, DaskTaskRunner], ids=["ours", "prefect_dask"])
def runner(
    request: pytest.FixtureRequest, two_workers: LocalCluster, tmp_target: Targets
) -> object:
    return request.param(address=two_workers.scheduler_address)


def test_resource_that_nobody_offers_raises_at_submit_and_names_what_there_is(
    runner: object,
) -> None:
    @flow(task_runner=runner)
    def greedy() -> None:
        with pytest.raises(NoSuchResource, match=r"'double' .*\{'gpu': 1\}.*\{'process': 1"):
            clustered.double.with_options(resources={"gpu": 1}).submit(1)
        with (
            dask.annotate(resources={"process": 2}),
            pytest.raises(NoSuchResource, match=r"none of the 2 workers has"),
        ):
            clustered.double.submit(1)

    greedy()


def test_resource_that_is_offered_is_taken_up(runner: object, tmp_target: Targets) -> None:
    gate = str(tmp_target.path / "gate")
    task = clustered.wait_for_file.with_options(resources={"process": 1})

    @flow(task_runner=runner)
    def modest() -> object:
        holding = [task.submit(f"{gate}-{index}", "holds") for index in range(2)]
        wait_until(lambda: len(list(tmp_target.path.glob("gate-*.started"))) == 2)
        third = task.submit(f"{gate}-2", "waits")
        for index in range(3):
            (tmp_target.path / f"gate-{index}").touch()
        return [*holding, third]

    assert load(modest()) == ["holds", "holds", "waits"]


def test_task_runs_on_the_workers_that_it_names(runner: object, two_workers: LocalCluster) -> None:
    addresses = [worker.worker_address for worker in two_workers.workers.values()]

    @flow(task_runner=runner)
    def particular() -> object:
        return [
            clustered.here.with_options(workers=[address]).submit()
            for address in [*addresses, *addresses]
        ]

    assert load(particular()) == [*addresses, *addresses]


def ready_on(scheduler: str, worker: str) -> int:
    """Return how many tasks a worker has that could run."""
    with Client(scheduler, set_as_default=False) as client:
        counts = client.run(lambda dask_worker: len(dask_worker.state.ready), workers=[worker])
    return int(counts[worker])


def test_task_of_higher_priority_runs_first(
    runner: object, two_workers: LocalCluster, tmp_target: Targets
) -> None:
    scheduler = two_workers.scheduler_address
    only = next(iter(two_workers.workers.values())).worker_address
    gate, order = str(tmp_target.path / "gate"), str(tmp_target.path / "order")

    @flow(task_runner=runner)
    def ranked() -> None:
        first = clustered.wait_for_file.with_options(workers=[only]).submit(gate, "first")
        wait_until((tmp_target.path / "gate.started").exists)
        noted = [
            clustered.note.with_options(workers=[only], priority=priority).submit(order, word)
            for word, priority in [("low", -1), ("none", None), ("high", 1)]
        ]
        wait_until(lambda: ready_on(scheduler, only) == 3)
        (tmp_target.path / "gate").touch()
        wait([first, *noted])

    ranked()
    assert (tmp_target.path / "order").read_text().split() == ["high", "none", "low"]
