"""`isolate=True` in every mode: the same data, from another process, which the run knows of."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import apart
import psutil
import pytest
from example import wait_until
from handles import flow_run_id_of
from prefect.client.schemas.filters import LogFilter, LogFilterTaskRunId
from processes import command_of

from prefectx import flow, load
from prefectx.errors import IsolatedRunDied

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer


@pytest.fixture(autouse=True)
def no_process_left(tmp_target: Targets) -> Any:
    yield
    children = psutil.Process().children()
    assert not [child for child in children if "prefectx._isolation" in command_of(child)]


# Of an isolated task, prefect.skip and prefect.cache run the same.
@pytest.mark.nightly("prefect.cache")
@pytest.mark.prefectx("function", "cache", "prefect.cache", "prefect")
def test_every_way_to_call_gives_the_same_data(tmp_target: Targets, prefectx_mode: str) -> None:
    @flow
    def many_ways() -> Any:
        doubled = apart.double.submit(1)
        later = apart.double_later.submit(doubled)
        return [doubled, later, apart.write("a"), apart.nested.submit(later)]

    doubled, later, written, (inner, plain, here) = load(many_ways())
    assert (doubled, later, written, inner) == (2, 4, "out/a.txt", 8)
    assert plain == here, "what an isolated task calls runs in its process"
    assert (here == os.getpid()) == (prefectx_mode == "function"), "where a debugger is wanted"


@pytest.mark.prefectx("prefect.cache", "prefect")
def test_a_death_is_a_failed_task_run_with_its_last_words(
    prefect_server: PrefectServer, prefect_client: SyncPrefectClient
) -> None:
    @flow(name="deadly")
    def deadly() -> None:
        apart.last_words()

    state = deadly(return_state=True)
    with pytest.raises(IsolatedRunDied, match=r"task 'last_words': its child process .* code 3"):
        state.result()
    (run,) = prefect_server.task_runs(flow_run_id_of(state))
    assert run.state_name == "Failed"
    assert run.state is not None
    assert "IsolatedRunDied: task 'last_words'" in (run.state.message or "")
    messages: list[str] = []

    def is_logged() -> bool:
        of_the_run = LogFilter(task_run_id=LogFilterTaskRunId(any_=[run.id]))
        messages.extend(log.message for log in prefect_client.read_logs(of_the_run))
        return "last words" in messages

    wait_until(is_logged)


@pytest.mark.prefectx("prefect")
def test_a_nested_task_run_belongs_to_the_flow_run(prefect_server: PrefectServer) -> None:
    @flow(name="nests")
    def nests() -> Any:
        return apart.nested(1)

    state = nests(return_state=True)
    assert state.result()[0] == 2
    runs = prefect_server.task_runs(flow_run_id_of(state))
    assert sorted(run.name.partition("-")[0] for run in runs) == ["double", "nested", "plain_pid"]


@pytest.mark.prefectx("prefect")
def test_a_timeout_ends_the_process() -> None:
    @flow
    def impatient() -> Any:
        # In a thread, where an exception can be raised only between two steps of Python.
        waiting = apart.wait_for_ever.with_options(timeout_seconds=1)
        return waiting.submit("note", return_state=True).name

    assert impatient() == "TimedOut"


@pytest.mark.prefectx("prefect")
def test_a_timeout_of_a_coroutine_ends_the_process() -> None:
    @flow
    async def impatient() -> Any:
        waiting = apart.wait_for_ever_later.with_options(timeout_seconds=1)
        return (await waiting("note", return_state=True)).name

    assert asyncio.run(impatient()) == "TimedOut"
