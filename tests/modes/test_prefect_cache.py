"""`prefect.cache`: a hit is a task run in the state `Cached`."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import prefect
import pytest
from patience import PATIENCE
from prefect.client.schemas.objects import TaskRunResult
from prefect.runtime import flow_run

from prefectx import flow, load, task
from prefectx._runners.prefect import private

if TYPE_CHECKING:
    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer

pytestmark = [pytest.mark.prefectx("prefect.cache"), pytest.mark.usefixtures("tmp_target")]


@task(name="{funcname}_{base[:3]}")
def double(value: int) -> int:
    return 2 * value


@task
async def double_later(value: int) -> int:
    return 2 * value


def test_hit_is_a_cached_task_run_without_running_the_function(
    prefect_server: PrefectServer, tmp_target: Targets
) -> None:
    @flow
    def all_ways() -> Any:
        return flow_run.get_id(), (double(1), double.submit(2), double.map([3, 4]))

    identity, cold = all_ways()
    runs = prefect_server.task_runs(identity)
    assert [run.state_name for run in runs] == ["Completed"] * 4
    identity, warm = all_ways()
    runs = prefect_server.task_runs(identity)
    assert [(run.state_name, run.state_type) for run in runs] == [("Cached", "COMPLETED")] * 4
    names = {double.item(n).base[:3] for n in (1, 2, 3, 4)}
    assert {run.name for run in runs} == {f"double_{name}" for name in names}
    assert load(cold) == load(warm) == (2, 4, [6, 8])
    assert tmp_target.runs["double"] == 4


def test_async_hit_is_a_cached_task_run(prefect_server: PrefectServer, tmp_target: Targets) -> None:
    @flow
    async def later() -> Any:
        return flow_run.get_id(), (await double_later(1), double_later.submit(2))

    asyncio.run(later())
    identity, warm = asyncio.run(later())
    assert [run.state_name for run in prefect_server.task_runs(identity)] == ["Cached"] * 2
    assert load(warm) == (2, 4)
    assert tmp_target.runs["double_later"] == 2


def test_hits_of_tasks_with_hooks_run_them(prefect_server: PrefectServer) -> None:
    """What a task asks of Prefect beyond a record is done by Prefect's engine."""
    seen: list[str] = []

    def noted(_task: object, _run: object, state: Any) -> None:
        seen.append(state.name)

    hooked = double.with_options(on_completion=[noted])

    @flow
    def one() -> int:
        return hooked(1)

    one()
    assert load(one()) == 2
    assert seen == ["Completed", "Cached"]


def test_what_a_hit_gave_is_an_input_of_the_next_task_run(prefect_server: PrefectServer) -> None:
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
    given = [found for name in ("left", "right") for found in plus_run.task_inputs[name]]
    inputs = [found.id for found in given if isinstance(found, TaskRunResult)]
    doubles = {run.id for run in prefect_server.task_runs(identity)} - {plus_run.id}
    assert set(inputs) == doubles
    assert load(total) == 6


def test_tasks_in_a_flow_of_plain_prefect_do_not_ask_whether_the_api_answers(
    prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("prefectx._runners.prefect.server._check", asked.append)

    @prefect.flow
    def plain() -> tuple[int, int]:
        return double(1), double(1)

    assert load(plain()) == (2, 2)
    assert asked == []


@pytest.mark.nightly
def test_a_flow_of_5000_task_runs_leaves_5000_in_the_records(prefect_server: PrefectServer) -> None:
    @task(target=None)
    def trivial(value: int) -> int:
        return value

    @flow
    def many() -> str | None:
        for value in range(5_000):
            trivial(value)
        return flow_run.get_id()

    identity = many()
    runs = prefect_server.task_runs(identity, expect=5_000, timeout=PATIENCE)
    assert len(runs) == 5_000
    assert {run.state_name for run in runs} == {"Completed"}


def test_a_prefect_that_is_newer_than_tested_is_used_by_what_is_public_and_said_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, prefect_server: PrefectServer
) -> None:
    """The engine runs the task, whose body finds the target there."""
    private.are_tested.cache_clear()
    monkeypatch.setattr(private, "version", lambda _: "4.2.0rc1")

    @flow
    def twice() -> Any:
        return flow_run.get_id(), (double(11), double.submit(11))

    try:
        with caplog.at_level("WARNING", logger="prefectx.prefect"):
            logging.getLogger("prefectx.prefect").addHandler(caplog.handler)
            twice()
            identity, results = twice()
    finally:
        logging.getLogger("prefectx.prefect").removeHandler(caplog.handler)
        private.are_tested.cache_clear()
    assert load(results) == (22, 22)
    runs = prefect_server.task_runs(identity, expect=2)
    assert {run.state_name for run in runs} == {"Cached"}
    told = {record.message for record in caplog.records if "4.2.0rc1" in record.message}
    assert len(told) == 1


def test_hooks_that_are_added_to_a_task_later_run_for_a_hit_too() -> None:
    seen: list[str] = []

    @task
    def watched(value: int) -> int:
        return value

    @flow
    def asks() -> int:
        return watched(5)

    asks()

    @watched.on_completion
    def told(_task: object, _run: object, state: Any) -> None:
        seen.append(state.name)

    asks()
    assert seen == ["Cached"]
