"""Mode `prefect` is Prefect: tasks and flows are its own, and nothing is taken from them."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
from typing import TYPE_CHECKING, Any, get_overloads

import cloudpickle
import prefect
import pydantic
import pytest
from prefect.client.schemas.objects import StateType
from prefect.context import FlowRunContext
from prefect.exceptions import (
    CancelledRun,
    MappingMissingIterable,
    ParameterTypeError,
    PrefectException,
)
from prefect.states import Cancelled, Cancelling, Completed, Failed
from prefect.transactions import transaction
from prefect.utilities.annotations import opaque

from prefectx import Flow, Task, flow, item, load, task, use_mode
from prefectx._naming.options import FLOW_OPTIONS, TASK_OPTIONS

if TYPE_CHECKING:
    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer

PREFECT = pytest.mark.prefectx("prefect")
EVERY_PREFECT_MODE = pytest.mark.prefectx("prefect", "prefect.skip", "prefect.cache")


@pytest.fixture(autouse=True)
def fresh_folder(tmp_target: Targets, monkeypatch: pytest.MonkeyPatch) -> object:
    # Prefect is given the task itself where nothing of ours, as this count, must be carried.
    monkeypatch.delenv("PREFECTX_RUNS_LOG")
    return tmp_target


@task
def double(value: int) -> int:
    return 2 * value


@flow
def doubles(value: int) -> int:
    return double(value)


@task
def elements(stop: int) -> Any:
    yield from range(stop)


class Scale:
    def __init__(self, by: int) -> None:
        self.by = by

    @task
    def times(self, value: int) -> int:
        return self.by * value

    @flow
    def scaled(self, value: int) -> int:
        return self.times(value)

    @flow
    @classmethod
    def name_of(cls, value: int) -> str:
        return f"{cls.__name__} {value}"

    @flow
    @staticmethod
    def half(value: int) -> float:
        return value / 2


class Larger(Scale): ...


class TestEveryPart:
    """What a new release of Prefect brings is missing here until it is there."""

    @EVERY_PREFECT_MODE
    @pytest.mark.parametrize(("made", "theirs"), [(double, prefect.Task), (doubles, prefect.Flow)])
    def test_attributes_and_methods_are_there(self, made: Any, theirs: Any) -> None:
        # It becomes Prefect's when one of Prefect's public attributes is asked for.
        hasattr(made, "version")
        plain = theirs(made.fn)
        missing = {name for name in {*dir(theirs), *vars(plain)} if not hasattr(made, name)}
        assert missing - {"__orig_bases__"} == set()

    @EVERY_PREFECT_MODE
    @pytest.mark.parametrize(("made", "theirs"), [(double, prefect.Task), (doubles, prefect.Flow)])
    def test_methods_take_every_parameter(self, made: object, theirs: object) -> None:
        hasattr(made, "version")
        for name, method in inspect.getmembers(theirs, inspect.isfunction):
            ours = getattr(type(made), name)
            if ours is method or name.startswith("__"):
                continue
            taken = inspect.signature(ours).parameters.values()
            if any(parameter.kind == parameter.VAR_KEYWORD for parameter in taken):
                continue
            expected = set(inspect.signature(method).parameters)
            names = {parameter.name for parameter in taken}
            assert expected - names <= {"self"}, name

    @PREFECT
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [(Task, prefect.task(lambda: 1)), (Flow, prefect.flow(lambda: 1))],
        ids=["task", "flow"],
    )
    def test_type_checkers_know_every_attribute(
        self, ours: type, theirs: prefect.Task[[], int] | prefect.Flow[[], int]
    ) -> None:
        """An attribute that is not declared would be an error in users' code."""
        declared = {name for kind in ours.__mro__ for name in vars(kind).get("__annotations__", ())}
        declared |= set(dir(ours))
        assert {name for name in dir(theirs) if not name.startswith("_")} - declared == {"fn"}

    @PREFECT
    def test_decorators_take_every_keyword(self) -> None:
        for theirs, options, also in (
            (prefect.tasks.task, TASK_OPTIONS, {"__fn"}),
            (type(prefect.flows.flow).__call__, FLOW_OPTIONS, {"self", "_FlowDecorator__fn"}),
            (prefect.Task.with_options, TASK_OPTIONS, {"self"}),
            (prefect.Flow.with_options, FLOW_OPTIONS, {"self"}),
        ):
            of_it = [theirs, *get_overloads(theirs)]
            named = {name for each in of_it for name in inspect.signature(each).parameters}
            assert named - options == also

    @PREFECT
    def test_calls_take_every_keyword_of_every_overload(self) -> None:
        known = {"self", "args", "kwargs", "return_state", "wait_for", "deferred"}
        for theirs in (
            *(prefect.Task.__call__, prefect.Task.submit, prefect.Task.map),
            prefect.Flow.__call__,
        ):
            for overload in [theirs, *get_overloads(theirs)]:
                assert set(inspect.signature(overload).parameters) <= known


@pytest.mark.prefectx("function", "prefect", "prefect.skip", "prefect.cache")
def test_tasks_and_flows_are_prefects_whatever_mode_they_were_made_in() -> None:
    with use_mode("function"):
        made: Any = task(target=None)(lambda: 1), flow(lambda: 1)
        assert [isinstance(made[0], prefect.Task), isinstance(made[1], prefect.Flow)] == [True] * 2
        assert isinstance(made[0], Task)
        assert isinstance(made[1], Flow)
        assert (made[0](), made[1]()) == (1, 1)

    class Plan(pydantic.BaseModel, arbitrary_types_allowed=True):
        step: prefect.Task[..., Any]
        whole: prefect.Flow[..., Any]

    step, whole = made
    plan = Plan.model_validate({"step": step, "whole": whole})
    assert plan.step.retries == 0
    assert plan.whole.isasync is False


@PREFECT
def test_a_task_in_a_hook_and_in_its_own_run_is_the_task_itself() -> None:
    seen: list[object] = []

    @task(on_completion=[lambda one, run, state: seen.append((one, state.type.value))])
    def watched() -> object:
        run = prefect.context.TaskRunContext.get()
        return run and run.task

    assert watched() is watched
    assert seen == [(watched, "COMPLETED")]


@PREFECT
def test_states_stay_states() -> None:
    seen: list[str] = []

    @task
    def fails() -> object:
        return Failed(message="so it is")

    @flow
    def asked() -> Any:
        return double(1, return_state=True)

    @flow(on_cancellation=[lambda *_: seen.append("cancelled")])
    def cancelled() -> object:
        return Cancelling(message="enough")

    @flow
    def many() -> Any:
        return [double.submit(1), double(2, return_state=True)]

    @flow
    def failed() -> object:
        return fails(return_state=True)

    assert asked().is_completed()
    assert load(asked()) == 2
    assert asked(return_state=True).is_completed()
    state: Any = cancelled(return_state=True)
    assert state.is_cancelling()
    assert seen == ["cancelled"]
    assert [state.is_completed() for state in many()] == [True, True]
    assert load(many()) == [2, 4]
    assert failed(return_state=True).is_failed()


@pytest.mark.prefectx("cache", "prefect.skip", "prefect.cache")
def test_nothing_is_kept_of_a_run_that_says_it_has_failed(tmp_target: Targets) -> None:
    calls: list[int] = []

    @task
    def says(good: bool) -> object:
        calls.append(1)
        return Completed(data=5) if good else Failed(message="so it is")

    @flow
    def asks(good: bool) -> Any:
        return says(good, return_state=True)

    for _ in range(2):
        assert asks(good=False, return_state=True).is_failed()
    assert tmp_target.items() == []
    for _ in range(2):
        assert load(asks(good=True)) == 5
    assert len(calls) == 3


@PREFECT
def test_generators_and_objects_that_can_be_called_are_tasks() -> None:
    class Counter:
        def __call__(self, stop: int) -> int:
            return stop

    @flow
    def lists() -> object:
        return list(elements(3)), task(Counter())(2), task(name="bin")(Counter()).submit(4).result()

    assert lists() == ([0, 1, 2], 2, 4)


@EVERY_PREFECT_MODE
def test_the_state_of_a_generator_is_refused_as_prefect_does(prefectx_mode: str) -> None:
    @task(target=None)
    def unkept() -> object:
        yield 1

    with pytest.raises(ValueError, match="return_type for a generator task must be 'result'"):
        list(unkept(return_state=True))  # type: ignore[call-overload]


@EVERY_PREFECT_MODE
def test_a_task_gets_a_flow_run_that_prefect_is_told_not_to_look_into(prefectx_mode: str) -> None:
    """Its state, which says that it still runs, is nothing to wait for."""

    @task(target=None)
    def name_of(flow_run: Any) -> object:
        return flow_run.name, flow_run.state.is_running()

    @flow
    def asks() -> Any:
        run: Any = FlowRunContext.get()
        return name_of(opaque(run.flow_run)), run.flow_run.name

    (name, is_running), expected = load(asks())
    assert (name, is_running) == (expected, True)


@PREFECT
def test_arguments_are_checked_and_converted() -> None:
    @flow
    def typed(count: int, parts: tuple[float, ...] = ()) -> tuple[int, tuple[float, ...]]:
        return count, parts

    assert typed("3", [1]) == (3, (1.0,))  # type: ignore[call-overload]
    with pytest.raises(ParameterTypeError):
        typed("three")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="count"):
        typed()  # type: ignore[call-overload]


@PREFECT
def test_what_prefect_refuses_is_refused_as_prefect_does() -> None:
    with pytest.raises(RuntimeError, match="outside of a flow"):
        double.submit(1)
    with pytest.raises(RuntimeError, match="outside of a flow"):
        double.map([1])

    @flow
    def maps_nothing() -> object:
        return double.map(1)

    with pytest.raises(MappingMissingIterable):
        maps_nothing()
    with pytest.raises(TypeError, match="Expected callables in 'on_failure'"):
        task(on_failure=["no"])(lambda: 1)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="50 retry delays"):
        task(retries=60, retry_delay_seconds=[1.0] * 60)(lambda: 1)


@EVERY_PREFECT_MODE
def test_methods_of_every_kind_are_flows_and_tasks() -> None:
    two, three = Scale(2), Scale(3)
    by_two, by_three = two.times, three.times

    @flow
    def called() -> object:
        return by_two(5), by_three(5), by_two.submit(5), three.times.map([1, 2])

    assert load(called()) == (10, 15, 10, [3, 6])
    assert load(two.scaled(4)) == 8
    # Type checkers ask for the class: docs/explanation/types.md.
    assert Larger.name_of(1) == "Larger 1"  # type: ignore[call-overload]
    assert Larger.name_of.with_options(name="other")(2) == "Larger 2"  # type: ignore[call-overload]
    assert Scale.half(3) == 1.5
    assert two.times.ismethod
    assert Larger.name_of.isclassmethod
    assert Scale.half.isstaticmethod


@EVERY_PREFECT_MODE
def test_a_flow_of_one_object_runs_on_it_after_that_of_another_was_looked_up() -> None:
    by_two, by_three = Scale(2).scaled, Scale(3).scaled
    assert load([by_two(4), by_three(4), by_two(4)]) == [8, 12, 8]


@EVERY_PREFECT_MODE
def test_options_change_by_prefects_rules_and_attributes_can_be_set() -> None:
    base = task(retries=2, tags=["a"], target=None)(lambda x: x)
    not_set: Any = prefect.utilities.annotations.NotSet
    changed = base.with_options(retries=not_set, tags=["b"], name="n")
    assert (changed.retries, changed.tags, changed.name) == (2, {"b"}, "n")
    assert base.tags == {"a"}
    changed.tags.add("c")
    assert base.with_options(name="m").tags == {"a"}
    copied = copy.copy(double)
    copied.retries = 5
    assert double.retries == 0
    assert doubles.with_options(name="other", retries=3).retries == 3
    assert base.with_options(target="out/{x}", retries=1).item(3).target == "out/3"


def code_of(bound: Any) -> tuple[str, str]:
    """Return a method's code hash and identity, worked out anew."""
    fresh = bound.with_options()
    return fresh.code.hash, fresh.code.identity


@EVERY_PREFECT_MODE
def test_a_method_is_the_same_code_before_and_after_it_is_bound() -> None:
    """Prefect's copy of it, which bears the object, is no other version of the task."""
    asked_of_the_class = code_of(Scale.times)
    bound = Scale(2).times
    assert isinstance(bound.retries, int)
    assert id(bound.fn) != id(Scale.times.fn)
    assert code_of(bound) == code_of(Scale(3).times) == asked_of_the_class


@EVERY_PREFECT_MODE
@pytest.mark.parametrize("module", [pickle, cloudpickle], ids=lambda module: module.__name__)
def test_tasks_and_flows_travel_with_what_was_set_after_decoration(module: Any) -> None:
    for original in (double, doubles):
        for name in dir(original):
            # What is computed when it is asked for was not set.
            getattr(original, name, None)
        assert pickle.loads(module.dumps(original)) is original
        changed = copy.copy(original)
        changed.retries = 7
        assert pickle.loads(module.dumps(changed)).retries == 7
        assert pickle.loads(module.dumps(original.with_options(retries=4))).retries == 4
    bound = pickle.loads(module.dumps(Scale(2).times))
    assert load(bound(4)) == 8

    local = task(retries=2, target=None)(lambda x: x + 1)
    local.timeout_seconds = 30.0
    travelled = pickle.loads(cloudpickle.dumps(local))
    assert (travelled.retries, travelled.timeout_seconds, travelled(1)) == (2, 30.0, 2)
    assert travelled.source_code == local.source_code


@PREFECT
def test_transactions_run_their_hooks() -> None:
    seen: list[str] = []

    @task
    def step(name: str) -> str:
        return name

    @step.on_rollback
    def undo(_: object) -> None:
        seen.append("undone")

    @step.on_commit
    def done(_: object) -> None:
        seen.append("done")

    @flow
    def good() -> None:
        with transaction():
            step("a")

    @flow
    def bad() -> object:
        with transaction():
            step("b")
            msg = "no"
            raise LookupError(msg)

    good()
    assert seen == ["done"]
    with pytest.raises(LookupError):
        bad()
    assert seen == ["done", "undone"]


@EVERY_PREFECT_MODE
def test_background_runs_are_scheduled_for_a_task_worker(prefect_server: PrefectServer) -> None:
    later = copy.copy(double)
    future = later.delay(4)
    other = later.apply_async((5,), {})
    for each in (future, other):
        assert prefect_server.task_runs(expect=1)
        state = each.state
        assert state.is_scheduled()
        assert state.state_details.deferred


@EVERY_PREFECT_MODE
def test_futures_of_map_are_data_for_the_next_task() -> None:
    @task
    def total(values: list[int]) -> int:
        return sum(values)

    @flow
    def sums() -> Any:
        return (
            total(double.map([1, 2])),
            total.submit(double.map([3])),
            total.map([double.map([4])]),
        )

    one, two, many = load(sums())
    assert (one, two, many) == (6, 6, [8])


@PREFECT
def test_items_are_loaded_and_iterators_reach_a_task_whole(tmp_target: Targets) -> None:
    with use_mode("cache"):
        double(21)
    kept = item(tmp_target.items()[0])

    @task
    def listed(values: Any) -> object:
        return list(values)

    @flow
    def both() -> Any:
        return double(kept), listed(iter([1, 2])), listed.submit(iter([3]))

    first, second, third = load(both())
    assert (first, second, third) == (84, [1, 2], [3])


@PREFECT
def test_what_a_flow_sets_in_the_context_ends_with_it_in_async_code_too() -> None:
    from prefectx import gcontext

    @flow
    async def sets() -> None:
        gcontext["base"] = "x"

    async def main() -> bool:
        await sets()
        return "base" in gcontext

    assert asyncio.run(main()) is False


@PREFECT
def test_a_name_with_braces_names_the_run_and_one_without_the_task(
    prefect_server: PrefectServer,
) -> None:
    @task(name="sum up")
    def total(values: list[int]) -> int:
        return sum(values)

    @task(name="{funcname} of {len(values)}")
    def named(values: list[int]) -> Any:
        return prefect.runtime.task_run.name

    @flow
    def runs() -> Any:
        return total([1]), named([1, 2]), prefect.runtime.flow_run.id

    _, name, identity = runs()
    assert name == "named of 2"
    assert total.name == "sum up"
    told = [run.name for run in prefect_server.task_runs(identity, expect=2)]
    assert any(each.startswith("sum up-") for each in told)


@EVERY_PREFECT_MODE
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "target=None"])
def test_a_flow_that_returns_the_future_of_a_cancelled_task_is_cancelled(
    prefectx_mode: str, kept: bool
) -> None:
    """As other failures do, it raises what the task's future raises."""
    options: dict[str, Any] = {} if kept else {"target": None}

    @task(**options)
    def stop() -> Any:
        return Cancelled(message="enough")

    @task(**options)
    def fail() -> None:
        raise ValueError

    @flow
    def one() -> Any:
        return stop.submit()

    @flow
    async def many() -> Any:
        return double.submit(2), fail.submit(), stop.submit()

    @flow
    def outer() -> Any:
        return one(return_state=True)

    @flow
    def awaited() -> Any:
        return stop.submit().result()

    state: Any = one(return_state=True)
    assert (state.type, state.message) == (StateType.CANCELLED, "1/1 states cancelled.")
    above: Any = outer(return_state=True)
    assert above.is_cancelled()
    with pytest.raises(CancelledRun, match="enough"):
        one()
    several: Any = asyncio.run(many(return_state=True))
    assert (several.type, several.message) == (StateType.CANCELLED, "1/3 states cancelled.")
    assert [each.is_completed() for each in several.data.result] == [True, False, False]
    # The flow's function has raised it.
    failed: Any = awaited(return_state=True)
    assert failed.is_failed()


@EVERY_PREFECT_MODE
def test_a_flow_run_among_the_arguments_of_a_map_is_refused_in_prefects_words(
    prefectx_mode: str,
) -> None:
    @task
    def named(run: Any, number: int) -> str:
        return f"{run.name} {number}"

    @flow
    def all_named() -> Any:
        run: Any = FlowRunContext.get()
        return named.map(run.flow_run, [1, 2])

    with pytest.raises(PrefectException, match="Passing a `FlowRun` object as a task argument"):
        all_named()
