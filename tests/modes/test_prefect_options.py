"""Prefect's features in prefectx: options, hooks, names, deployments."""

from __future__ import annotations

import asyncio
import datetime
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import prefect
import pytest
from patience import PATIENCE
from prefect.cache_policies import INPUTS
from prefect.flows import load_flow_from_entrypoint
from prefect.runtime import flow_run

from prefectx import Flow, context, flow, load, tags, task, use_mode

if TYPE_CHECKING:
    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer

pytestmark = [
    pytest.mark.prefectx("prefect.skip", "prefect.cache", "prefect"),
    pytest.mark.usefixtures("tmp_target"),
]


@task
def double(value: int) -> int:
    return 2 * value


def is_prefects(made: object, kind: type) -> bool:
    """Tell whether it is one of Prefect's too, of which type checkers know nothing."""
    return isinstance(made, kind)


def test_flow_and_task_are_real_ones() -> None:
    @flow(description="says so")
    def real(value: int = 1) -> object:
        return type(prefect.context.TaskRunContext.get() or prefect.context.FlowRunContext.get())

    assert is_prefects(real, prefect.Flow)
    assert real.description == "says so"
    assert real() is prefect.context.FlowRunContext

    @task(target=None)
    def which() -> bool:
        run = prefect.context.TaskRunContext.get()
        return run is not None and isinstance(run.task, prefect.Task)

    assert which() is True
    assert is_prefects(which, prefect.Task)


def test_flow_decorated_in_another_mode_becomes_a_real_one(prefectx_mode: str) -> None:
    with use_mode("function"):

        @flow
        def later_real(value: int) -> int:
            return double(value)

        assert later_real(2) == 4
    assert callable(later_real.serve)
    assert is_prefects(later_real, prefect.Flow)
    assert load(later_real(2)) == 4
    with use_mode("function"):
        assert later_real(2) == 4


def test_retries_run_the_function_again(tmp_target: Targets) -> None:
    tried = []

    @task(retries=2, retry_delay_seconds=0)
    def shaky() -> str:
        tried.append(1)
        if len(tried) < 3:
            raise OSError
        return "done"

    @flow
    def stubborn() -> str:
        return shaky()

    assert load(stubborn()) == "done"
    assert len(tried) == 3


def test_timeout_fails_the_task() -> None:
    @task(timeout_seconds=0.2, target=None)
    async def slow() -> None:
        await asyncio.sleep(30)

    @flow
    async def impatient() -> str:
        return (await slow(return_state=True)).name

    assert asyncio.run(impatient()) == "TimedOut"


def test_tags_reach_the_records(prefect_server: PrefectServer) -> None:
    @task(tags=["of-task"], target=None)
    def tagged() -> None: ...

    @flow
    def with_tags() -> str | None:
        with tags("of-context"):
            tagged()
        return flow_run.get_id()

    (run,) = prefect_server.task_runs(with_tags())
    assert set(run.tags) == {"of-task", "of-context"}


def test_hooks_are_called() -> None:
    called = []

    def on_task(task: Any, run: object, state: Any) -> None:
        called.append(("task", state.name))

    def on_flow(flow: Any, run: object, state: Any) -> None:
        called.append(("flow", state.name))

    @task(on_completion=[on_task], on_failure=[on_task], target=None)
    def hooked(broken: bool) -> None:
        if broken:
            raise ValueError

    @flow(on_completion=[on_flow])
    def hooked_flow() -> None:
        hooked(False)
        hooked(True, return_state=True)

    hooked_flow()
    assert called == [("task", "Completed"), ("task", "Failed"), ("flow", "Completed")]


def test_hooks_can_be_added_in_any_mode_and_are_called_in_prefects() -> None:
    called = []
    with use_mode("function"):

        @task(target=None)
        def hooked() -> None: ...

        @flow
        def hooked_flow() -> None:
            hooked()

        hooked.on_completion(lambda task, run, state: called.append("task"))
        hooked_flow.on_completion(lambda flow, run, state: called.append("flow"))
        hooked_flow()
    assert called == []
    hooked_flow()
    hooked_flow.on_completion(lambda flow, run, state: called.append("again"))
    hooked_flow()
    assert called == ["task", "flow", "task", "flow", "again"]


def test_prefects_own_annotations_are_understood() -> None:
    from prefect import allow_failure, unmapped
    from prefect.utilities.annotations import quote

    @task
    def fail() -> None:
        raise LookupError

    @task
    def show(value: object, constant: object = None) -> str:
        return repr((value, constant))

    @flow
    def annotated() -> object:
        failed = fail.submit()
        return (
            show(allow_failure([failed])),
            show.map([1], unmapped([2, 3])),
            show(quote([double.item(1).target[:14]])),
        )

    assert load(annotated()) == (
        "([LookupError()], None)",
        ["(1, [2, 3])"],
        "(['working/double'], None)",
    )
    with use_mode("function"):
        assert annotated() == load(annotated())


def test_prefects_own_cache_policy_works_beside_targets(prefectx_mode: str) -> None:
    ran = []

    @task(target=None, cache_policy=INPUTS, persist_result=True)
    def cached_by_prefect(value: str) -> str:
        ran.append(value)
        return value

    @flow
    def twice() -> tuple[str, str]:
        return cached_by_prefect(prefectx_mode), cached_by_prefect(prefectx_mode)

    assert load(twice()) == (prefectx_mode, prefectx_mode)
    assert ran == [prefectx_mode]


def test_run_names_are_rendered_when_submitted(prefect_server: PrefectServer) -> None:
    @task(name="{funcname}_{base[:6]}-{kind}")
    def named(value: object, kind: str = "a{b}") -> object:
        return value

    @task(task_run_name="prefect-{value}")
    def named_by_prefect(value: int) -> int:
        return value

    @flow
    def names() -> str | None:
        with context(base="report-7"):
            first = named.submit(1)
        with context(base="longer-name"):
            named.submit([first], kind="late").wait()
        named_by_prefect(5)
        return flow_run.get_id()

    names_of_runs = [run.name for run in prefect_server.task_runs(names())]
    assert sorted(names_of_runs) == ["named_longer-late", "named_report-a{b}", "prefect-5"]


def test_concurrency_limit_of_a_tag_holds(prefect_server: PrefectServer) -> None:
    from prefect.client.orchestration import get_client

    running, most = [], []

    @task(tags=["one-at-a-time"], target=None)
    def limited(value: int) -> None:
        running.append(value)
        most.append(len(running))
        for _ in range(1000):
            sum(range(100))
        running.remove(value)

    @flow
    def crowd() -> None:
        limited.map(range(3)).wait()

    with get_client(sync_client=True) as client:
        client.create_concurrency_limit("one-at-a-time", 1)
    crowd()
    assert most == [1, 1, 1]


SCRIPT = """
from prefectx import flow, task

@task
def double(value: int) -> int:
    return 2 * value

@flow(name="from a script")
def scripted(value: int) -> object:
    return double(value), type(value).__name__

if __name__ == "__main__":
    scripted.serve(name="served", limit=1)
"""


def test_flow_is_loaded_from_its_entrypoint(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    loaded: Any = load_flow_from_entrypoint(f"{script}:scripted")
    assert isinstance(loaded, prefect.Flow)
    assert loaded.name == "from a script"
    assert load(loaded(4)) == (8, "int")


@pytest.mark.nightly("prefect.cache", "prefect")
def test_served_flow_runs_in_a_process_of_its_own(
    tmp_target: Targets, prefect_server: PrefectServer, prefectx_mode: str, tmp_path: Path
) -> None:
    from prefect.deployments import run_deployment

    script = tmp_path / f"served_{prefectx_mode.replace('.', '_')}.py"
    script.write_text(SCRIPT)
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            _wait_for_line(server, "Your flow")
            run: Any = run_deployment(
                "from a script/served", parameters={"value": 4}, timeout=PATIENCE
            )
        finally:
            server.terminate()
            said, _ = server.communicate()
    assert run.state.is_completed(), said
    assert run.parameters == {"value": 4}
    kept = [] if prefectx_mode == "prefect" else ["working/double/4"]
    assert [name[:17] for name in tmp_target.items()] == kept


def _wait_for_line(process: Any, words: str) -> None:
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    pytest.fail("".join(said))


def test_deploy_finds_the_entrypoint_in_the_users_file(tmp_path: Path) -> None:
    script = tmp_path / "deployed.py"
    script.write_text(SCRIPT)
    loaded: Any = load_flow_from_entrypoint(f"{script}:scripted")
    deployment = loaded.to_deployment("by-hand")
    # It may be told from the current folder.
    file, _, function = deployment.entrypoint.rpartition(":")
    assert (Path(file).resolve(), function) == (script.resolve(), "scripted")
    assert deployment.apply()


def test_arguments_of_flows_are_converted_by_annotation_unless_said_otherwise() -> None:
    @flow
    def dated(day: datetime.date) -> object:
        return day

    as_date = datetime.date(2026, 1, 2)
    assert dated.validate_parameters({"day": "2026-01-02"}) == {"day": as_date}
    assert dated("2026-01-02") == as_date  # type: ignore[call-overload]
    free = dated.with_options(validate_parameters=False)
    assert free("2026-01-02") == "2026-01-02"  # type: ignore[call-overload]
    with pytest.raises(prefect.exceptions.ParameterTypeError):
        dated("yesterday")  # type: ignore[call-overload]


def test_items_and_futures_pass_where_plain_arguments_are_converted(prefectx_mode: str) -> None:
    @flow
    def inner(first: int, rest: list[int], by_name: dict[str, int], plain: float) -> object:
        return load((first, rest, by_name)), plain

    @flow
    def outer() -> Any:
        one, two = double(1), double.submit(2)
        return inner(one, [one, two], {"a": two}, 1)  # type: ignore[list-item, dict-item]

    (first, rest, by_name), plain = load(outer())
    assert (first, rest, by_name) == (2, [2, 4], {"a": 4})
    assert type(plain) is float


def test_explicitly_validated_flow_takes_items() -> None:
    @flow(validate_parameters=True)
    def inner(value: int) -> int:
        return load(value)

    @flow
    def outer() -> tuple[int, int]:
        return inner(double(2)), inner(double.submit(3))

    assert load(outer()) == (4, 6)


def test_with_options_gives_a_flow_of_the_same_kind() -> None:
    @flow
    def plain() -> str | None:
        return flow_run.get_name()

    assert isinstance(plain, Flow)
    assert plain.with_options(flow_run_name="called-so")() == "called-so"


@pytest.mark.nightly("prefect.cache", "prefect")
def test_flow_of_a_script_in_main_keeps_its_entrypoint(tmp_path: Path) -> None:
    script = tmp_path / "as_main.py"
    script.write_text(
        textwrap.dedent("""
        from prefectx import flow
        @flow
        def in_main(): ...
        print(in_main._entrypoint)
        """)
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == f"{script}:in_main"
