"""`prefect.cache`: a hit is a task run in the state `Cached`."""

from __future__ import annotations

import asyncio
from typing import Any

import prefect
import pytest
from patience import PATIENCE
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


def test_hits_of_tasks_with_hooks_run_them(prefect_server: Any) -> None:
    """What a task asks of Prefect beyond a record is done by Prefect's engine."""
    seen: list[str] = []

    def noted(_task: Any, _run: Any, state: Any) -> None:
        seen.append(state.name)

    hooked = double.with_options(on_completion=[noted])

    @flow
    def one() -> Any:
        return hooked(1)

    one()
    assert load(one()) == 2
    assert seen == ["Completed", "Cached"]


def test_what_a_hit_gave_is_an_input_of_the_next_task_run(prefect_server: Any) -> None:
    @task
    def plus(left: Any, right: Any) -> Any:
        return left + right

    @flow
    def chain() -> Any:
        return flow_run.get_id(), plus(double(1), double.submit(2))

    chain()
    identity, total = chain()
    runs = {run.name.partition("_")[0]: run for run in prefect_server.task_runs(identity)}
    plus_run = next(run for name, run in runs.items() if name.startswith("plus"))
    inputs = [found.id for name in ("left", "right") for found in plus_run.task_inputs[name]]
    doubles = {run.id for run in prefect_server.task_runs(identity)} - {plus_run.id}
    assert set(inputs) == doubles
    assert load(total) == 6


def test_tasks_in_a_flow_of_plain_prefect_do_not_ask_whether_the_api_answers(
    prefect_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("prefectx._runners.prefect.server._check", asked.append)

    @prefect.flow
    def plain() -> Any:
        return double(1), double(1)

    assert load(plain()) == (2, 2)
    assert asked == []


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
    runs = prefect_server.task_runs(identity, expect=5_000, timeout=PATIENCE)
    assert len(runs) == 5_000
    assert {run.state_name for run in runs} == {"Completed"}
