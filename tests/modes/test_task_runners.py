"""Flows of tasks on Prefect's task runners: threads, and processes that import the flow."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
import shipped
import simple_tasks
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from prefectx import context, flow, last_run, load, use_mode, wait
from prefectx.cli import main

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


@pytest.mark.prefectx("prefect.skip")
def test_a_call_that_fails_in_another_process_is_told_with_the_command_that_debugs_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def halves() -> None:
        with context(where="here"):
            futures = [simple_tasks.half.submit(6), simple_tasks.half.submit(3)]
        # One that is given what a failed call should have made leaves no record.
        futures.append(simple_tasks.half.submit(futures[-1]))
        wait(futures)

    halves()
    report = last_run()
    assert report is not None
    told = {failure.target: failure for failure in report.failures}
    failure = told["out/half/here-3"]
    assert str(failure.error) == "3 is odd"
    assert failure.command is not None
    assert {one.command for one in told.values()} <= {None, failure.command}
    capsys.readouterr()
    assert main(shlex.split(failure.command.removesuffix(" --pdb"))[1:]) == 2
    assert "ValueError: 3 is odd" in capsys.readouterr().err
