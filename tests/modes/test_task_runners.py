"""Flows of tasks on Prefect's task runners: threads, and processes that import the flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shipped
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from prefectx import load, use_mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets
    from pytest_prefectx.fixtures import TargetsFactory

pytestmark = [
    pytest.mark.prefectx("prefect.skip", "prefect.cache", "prefect"),
    pytest.mark.usefixtures("tmp_target"),
]


@pytest.fixture
def run_on(
    prefectx_mode: str, tmp_target: Targets, tmp_target_factory: TargetsFactory
) -> Callable[[object], None]:
    """Run a flow on a task runner: it gives the same data and keeps the same targets."""

    def run(runner: object) -> None:
        with tmp_target_factory() as reference, use_mode("cache"):
            assert load(shipped.many_ways(3)) == shipped.EXPECTED
            expected = reference.items()
        flow = shipped.many_ways.with_options(task_runner=runner)
        assert load(flow(3)) == shipped.EXPECTED
        assert tmp_target.items() == (["out/report.md"] if prefectx_mode == "prefect" else expected)
        assert load(flow(3)) == shipped.EXPECTED

    return run


def test_threads_give_the_same_data_and_keep_the_same_targets(
    run_on: Callable[[object], None],
) -> None:
    run_on(ThreadPoolTaskRunner(max_workers=2))


@pytest.mark.prefectx("prefect.skip")
def test_processes_give_the_same_data_and_keep_the_same_targets(
    run_on: Callable[[object], None],
) -> None:
    run_on(ProcessPoolTaskRunner(max_workers=2))


@pytest.mark.nightly
@pytest.mark.prefectx("prefect.cache", "prefect")
def test_processes_do_so_in_the_other_modes(run_on: Callable[[object], None]) -> None:
    run_on(ProcessPoolTaskRunner(max_workers=2))


@pytest.mark.prefectx("prefect.skip")
def test_what_is_there_does_not_run_again_in_any_process(tmp_target: Targets) -> None:
    flow = shipped.many_ways.with_options(task_runner=ProcessPoolTaskRunner(max_workers=2))
    with use_mode("cache"):
        shipped.many_ways(3)
    cold = dict(tmp_target.runs)
    with use_mode("prefect.skip"):
        flow(3)
    again = {name: count - cold[name] for name, count in tmp_target.runs.items()}
    assert {name for name, count in again.items() if count} == {"refuse"}
