"""`prefect.skip`: what is there never reaches Prefect."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from patience import PATIENCE
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from simple_tasks import double

from prefectx import Item, context, flow, last_run, load, task, use_mode
from prefectx._runners.lookup import Lookup

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer

pytestmark = [pytest.mark.prefectx("prefect.skip"), pytest.mark.usefixtures("tmp_target")]


@task
def total(values: list[int], plus: int = 0) -> int:
    return sum(values) + plus


def task_runs_of(server: Any, start: Callable[..., Any]) -> tuple[Any, list[Any]]:
    """Run a flow that returns its id and a result; give the data and the names of its task runs."""
    identity, result = start()
    states = [(run.name, run.state_name) for run in server.task_runs(identity)]
    return load(result), states


def test_hit_makes_no_task_run(prefect_server: PrefectServer) -> None:
    @flow
    def all_ways() -> object:
        one = double(1)
        two = double.submit(one)
        many = double.map([two, 5])
        return flow_run.get_id(), (one, two, many, total([*many], plus=1))  # type: ignore[list-item]

    data, cold = task_runs_of(prefect_server, all_ways)
    assert len(cold) == 5
    assert task_runs_of(prefect_server, all_ways) == (data, [])


def test_hit_makes_no_api_call(
    prefect_server: PrefectServer, requests_of_server: Callable[[], int]
) -> None:
    with use_mode("cache"):
        expected = double(21)
    before = requests_of_server()
    assert double(21) == expected
    assert load(double.submit(21)) == 42
    assert load(double.map([21, 21])) == [42, 42]
    assert requests_of_server() == before


@pytest.fixture
def requests_of_server(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Count what is sent over HTTP from this process, by listening to httpx's own hook: its log."""
    import logging

    sent: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            sent.append(record.getMessage())

    logger, listener = logging.getLogger("httpx"), Listener()
    level = logger.level
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    yield lambda: len(sent)
    logger.removeHandler(listener)
    logger.setLevel(level)


def test_listener_does_see_requests(requests_of_server: Callable[[], int]) -> None:
    before = requests_of_server()
    assert load(double(4)) == 8
    assert requests_of_server() > before


def test_only_what_is_missing_runs(prefect_server: PrefectServer, tmp_target: Targets) -> None:
    @flow
    def chain() -> tuple[str | None, list[int]]:
        sent = [double.submit(n) for n in range(3)]
        return flow_run.get_id(), [total([one]) for one in sent]  # type: ignore[list-item]

    task_runs_of(prefect_server, chain)
    tmp_target.lose("working/double/1*")
    data, states = task_runs_of(prefect_server, chain)
    assert data == [0, 2, 4]
    assert tmp_target.runs == {"double": 4, "total": 3}
    # The consumer's target is there. It is a run in state Cached if it had to wait for its
    # argument, and none if the other thread was so quick that it had not.
    assert [name for _, name in states if name != "Cached"] == ["Completed"]


def test_future_of_a_hit_has_finished_and_is_one_of_prefects() -> None:
    @flow
    def warm() -> object:
        double(3)
        future: Any = double.submit(3)
        assert isinstance(future, PrefectFuture)
        assert isinstance(future.task_run_id, uuid.UUID)
        assert future.state.is_completed()
        assert future.state.name == "Cached"
        assert isinstance(future.result(), Item)
        called: list[object] = []
        future.add_done_callback(called.append)
        assert called == [future]
        return double.submit(3, return_state=True).result()

    assert load(warm()) == 6


def test_unfinished_argument_is_looked_at_where_the_task_runs(
    prefect_server: PrefectServer, tmp_target: Targets
) -> None:
    submitted = threading.Event()

    @task
    def slow(value: int) -> int:
        assert submitted.wait(timeout=PATIENCE)
        return 2 * value

    @flow
    def half_warm() -> Any:
        future = total.submit([slow.submit(7)])
        submitted.set()
        return flow_run.get_id(), future

    load(half_warm()[1])
    submitted.clear()
    tmp_target.lose("working/slow/*")

    data, states = task_runs_of(prefect_server, half_warm)
    assert data == 14
    assert sorted(name for _, name in states) == ["Cached", "Completed"]
    assert tmp_target.runs["total"] == 1


def test_hits_are_not_named_as_inputs_of_runs(prefect_server: PrefectServer) -> None:
    @flow
    def mixed() -> Any:
        hit = double.submit(1)
        return flow_run.get_id(), total.submit([hit, hit])

    with use_mode("cache"):
        double(1)
    identity, result = mixed()
    assert load(result) == 4
    (run,) = prefect_server.task_runs(identity)
    assert [inputs for inputs in run.task_inputs.values() if inputs] == []


def test_context_of_the_call_names_the_target_of_a_run_that_waits(tmp_target: Targets) -> None:
    @flow
    def waits() -> object:
        with context(base="here"):
            return total.submit([double.submit(1)])

    assert load(waits()) == 2
    assert "working/total/here" in tmp_target.items()


def test_visualize_shows_tasks_although_they_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.utilities.visualization import TaskVizTracker

    with use_mode("cache"):
        double(1)

    @task(viz_return_value=5)
    def shown(value: int) -> int:
        return value

    shown_in_graph = TaskVizTracker()
    with shown_in_graph:
        assert shown(1) == 5
    assert [drawn.name for drawn in shown_in_graph.tasks] == ["shown-0"]


class NotSeen(Lookup):
    """Workers that do not see what the flow sees."""

    def confirms(self, item: Item[object]) -> bool:  # noqa: ARG002
        return False


def test_a_hit_that_workers_do_not_confirm_is_counted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ThreadPoolTaskRunner, "lookup", NotSeen(), raising=False)

    @flow
    def calls() -> object:
        return load([double.submit(1), double.submit(1)]), double(1)

    calls()
    calls()
    report = last_run()
    assert report is not None
    assert (report["double"].ran, report["double"].skipped) == (0, 3)
