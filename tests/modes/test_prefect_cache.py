"""`prefect.cache`: a hit is a task run in the state `Cached`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prefect.runtime import flow_run

from prefectx import flow, load, task

pytestmark = pytest.mark.prefectx("prefect.cache")


@task(name="{funcname}_{base[:3]}")
def double(value: int) -> int:
    return 2 * value


@task
async def double_later(value: int) -> int:
    return 2 * value


@pytest.fixture(autouse=True)
def fresh_folder(tmp_target: Any) -> Any:
    return tmp_target


def test_hit_is_a_cached_task_run_without_running_the_function(
    prefect_server: Any, tmp_target: Any
) -> None:
    @flow
    def all_ways() -> Any:
        return flow_run.get_id(), (double(1), double.submit(2), double.map([3, 4]))

    identity, cold = all_ways()
    runs = prefect_server.task_runs(identity)
    assert [run.state_name for run in runs] == ["Completed"] * 4
    identity, warm = all_ways()
    runs = prefect_server.task_runs(identity)
    assert [(run.state_name, run.state_type.value) for run in runs] == [("Cached", "COMPLETED")] * 4
    names = {double.item(n).base[:3] for n in (1, 2, 3, 4)}
    assert {run.name for run in runs} == {f"double_{name}" for name in names}
    assert load(cold) == load(warm) == (2, 4, [6, 8])
    assert tmp_target.runs["double"] == 4


def test_async_hit_is_a_cached_task_run(prefect_server: Any, tmp_target: Any) -> None:
    @flow
    async def later() -> Any:
        return flow_run.get_id(), (await double_later(1), double_later.submit(2))

    asyncio.run(later())
    identity, warm = asyncio.run(later())
    assert [run.state_name for run in prefect_server.task_runs(identity)] == ["Cached"] * 2
    assert load(warm) == (2, 4)
    assert tmp_target.runs["double_later"] == 2


def test_a_flow_of_5000_task_runs_leaves_5000_in_the_records(prefect_server: Any) -> None:
    @task(target=None)
    def trivial(value: int) -> int:
        return value

    @flow
    def many() -> Any:
        for value in range(5_000):
            trivial(value)
        return flow_run.get_id()

    identity = many()
    runs = prefect_server.task_runs(identity, expect=5_000, timeout=180)
    assert len(runs) == 5_000
    assert {run.state_name for run in runs} == {"Completed"}
