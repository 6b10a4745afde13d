"""Long tasks say in the logs of their run that they are alive, on every task runner."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import apart
import pytest
from handles import flow_run_id_of
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from prefectx import flow, load

if TYPE_CHECKING:
    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer

pytestmark = pytest.mark.prefectx("prefect.cache", "prefect")


@pytest.fixture(autouse=True)
def often(tmp_target: Targets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECTX_STILL_RUNNING", "50ms")


def check_lines(task_runner: Any, prefectx_mode: str, prefect_server: PrefectServer) -> None:
    @flow(task_runner=task_runner)
    def long() -> Any:
        named = apart.wait_until_told.with_options(name="wait for {note}")
        return [named.submit("report-7"), apart.wait_until_told_later.submit("wait_until")]

    state = long(return_state=True)
    named, later = load(state.result())
    runs = prefect_server.task_runs(flow_run_id_of(state), expect=2)
    names = {str(run.id): run.name for run in runs}
    for line, run_id in (named, later):
        assert re.fullmatch(r"still running: .+, \d+ s, (\d+ MB|\d\.\d GB)", line)
        assert run_id in names
    assert "running: wait for report-7, " in named[0]
    by_target = "wait_until_told_later wait_until"
    told = by_target if prefectx_mode == "prefect.cache" else names[later[1]]
    assert f"running: {told}, " in later[0]


def test_lines_tell_name_time_and_memory_with_the_id_of_the_run(
    prefectx_mode: str, prefect_server: PrefectServer
) -> None:
    check_lines(ThreadPoolTaskRunner(max_workers=2), prefectx_mode, prefect_server)


@pytest.mark.prefectx("prefect.cache")
def test_lines_are_told_in_the_processes_of_a_pool(
    prefectx_mode: str, prefect_server: PrefectServer
) -> None:
    check_lines(ProcessPoolTaskRunner(max_workers=1), prefectx_mode, prefect_server)


def test_of_an_isolated_task_the_parent_tells(prefectx_mode: str) -> None:
    """The task holds Python's lock, so no thread of its own process could."""

    @flow
    def long() -> Any:
        return apart.hold_apart.submit(1)

    with apart.told_lines() as lines:
        load(long())
    told = [lines.get().getMessage() for _ in range(lines.qsize())]
    name = "hold 1-0" if prefectx_mode == "prefect.cache" else r"hold-\w+"
    assert [line for line in told if re.match(rf"still running: {name}, \d s, \d+ MB", line)]
