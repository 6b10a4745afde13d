"""Every way to call a task gives the same data, or the same exception, in every mode."""

from __future__ import annotations

import asyncio
import pickle
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import (
    Item,
    allow_failure,
    as_completed,
    context,
    current_mode,
    flow,
    gcontext,
    get_run_logger,
    load,
    tags,
    task,
    unmapped,
    wait,
)
from prefectx.errors import MappingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx._values.future import State
    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx, pytest.mark.usefixtures("tmp_target")]


def run(start: Callable[..., object], *args: Any) -> Any:
    """Run a flow twice, so that each test sees it cold and warm; give the second result."""
    first, second = load(start(*args)), load(start(*args))
    assert first == second
    return second


@task
def add(left: int, right: int = 1) -> int:
    return left + right


@task
async def add_later(left: int, right: int = 1) -> int:
    await asyncio.sleep(0)
    return left + right


@task
def fail(value: object) -> object:
    msg = f"no {value}"
    raise LookupError(msg)


@task
def show(value: object) -> str:
    return repr(value)


@task
def pair(left: object, right: object) -> tuple[object, object]:
    return left, right


@task(target=None)
def count_up(stop: int) -> Any:
    yield from range(stop)


@dataclass
class Scale:
    factor: int

    @task
    def times(self, value: int, plus: int = 0) -> int:
        return self.factor * value + plus

    @task
    async def times_later(self, value: int) -> int:
        return self.factor * value

    @staticmethod
    @task
    def half(value: int) -> float:
        return value / 2

    @task
    @staticmethod
    def third(value: int) -> float:
        return value / 3

    @task
    @classmethod
    def class_of(cls, value: int) -> str:
        return f"{cls.__name__} {value}"

    @classmethod
    @task
    def name_of(cls, value: int) -> str:
        return f"{cls.__name__} {value}"


def test_call_submit_and_map_give_the_data() -> None:
    @flow
    def chain() -> object:
        one = add(1)
        two = add.submit(one, right=2)
        many = add.map([one, 10, two], right=[1, 2, 3])
        return one, two, many, add.map([1, 2], 100)

    assert run(chain) == (2, 4, [3, 12, 7], [101, 102])


def test_async_flow_and_tasks_give_the_data() -> None:
    @flow
    async def chain() -> object:
        one = await add_later(1)
        two = add_later.submit(one)
        three = add.submit(two)
        return one, two, three, add_later.map([1, two])

    async def twice() -> object:
        cold, warm = load(await chain()), load(await chain())
        assert cold == warm
        return warm

    assert asyncio.run(twice()) == (2, 3, 4, [2, 4])


def test_methods_keep_their_owners() -> None:
    @flow
    def scales() -> object:
        # Type checkers do not bind class methods: docs/explanation/types.md.
        scale: Any = Scale
        two, three = scale(2), scale(3)
        by_two, by_three = two.times, three.times
        later = [two.times_later.submit(5), three.times_later.submit(5)]
        mapped = three.times.map([1, 2], plus=1)
        of_class = scale.name_of(1), scale.class_of(2), two.class_of.submit(3)
        static = scale.half(3), two.half(3), scale.third(6), two.third.submit(6)
        varied = scale.class_of.with_options(retries=1)(4)
        return by_two(5), by_three(5), later, mapped, of_class, static, varied

    assert run(scales) == (
        10,
        15,
        [10, 15],
        [4, 7],
        ("Scale 1", "Scale 2", "Scale 3"),
        (1.5, 1.5, 2.0, 2.0),
        "Scale 4",
    )


class Mapper:
    @task(target="working/{funcname}/{number}")
    def named(self, number: int) -> int:
        return number

    @task
    def plain(self, number: int, plus: int = 0) -> int:
        return number + plus

    @task
    async def later(self, number: int) -> int:
        return number

    @task
    @classmethod
    def of_class(cls, number: int) -> int:
        return number

    @flow
    def map_named(self) -> object:
        return self.named.map([0, 1, 2])

    @flow
    def map_by_keyword(self) -> object:
        return self.plain.map(number=[0, 1, 2], plus=0)

    @flow
    def map_later(self) -> object:
        return self.later.map([0, 1, 2])

    @flow
    def map_of_class(self) -> object:
        return self.of_class.map([0, 1, 2])

    @flow
    def map_varied(self) -> object:
        return self.plain.with_options(retries=1).map([0, 1, 2])

    @flow
    def map_result(self) -> list[int]:
        return self.plain.map([0, 1, 2]).result()


@pytest.mark.nightly("prefect.cache")
@pytest.mark.parametrize("way", [name for name in vars(Mapper) if name.startswith("map_")])
def test_map_of_a_method_gives_it_its_object(way: str) -> None:
    assert run(getattr(Mapper(), way)) == [0, 1, 2]


def test_unmapped_and_several_iterables_are_spread() -> None:
    @flow
    def spread() -> object:
        constant = pair.map([1, 2], unmapped([8, 9]), wait_for=[add.submit(1)])
        return constant, add.map([1, 2], 5), add.map(left=[1, 2], right=[3, 4])

    assert run(spread) == ([(1, [8, 9]), (2, [8, 9])], [6, 7], [4, 6])


def test_map_goes_over_the_data_of_a_task() -> None:
    @task
    def numbers(stop: int) -> list[int]:
        return list(range(stop))

    @flow
    def over() -> object:
        return add.map(numbers(3)), add.map(numbers.submit(2), right=10)

    assert run(over) == ([1, 2, 3], [10, 11])


@pytest.mark.parametrize(
    ("args", "words"), [((1, 2), "none of the arguments"), (([1], [1, 2]), "differ in length")]
)
@pytest.mark.prefectx("function", "cache", "prefect.skip", "prefect.cache")
def test_map_refuses_what_it_cannot_spread(args: Any, words: str) -> None:
    @flow
    def bad() -> None:
        add.map(*args)

    with pytest.raises(MappingError, match=words):
        bad()


def test_exceptions_pass_through_unchanged(prefectx_mode: str) -> None:
    @flow
    def direct() -> object:
        return fail("data")

    @flow
    def by_future() -> object:
        return fail.submit("data")

    @flow
    def downstream() -> object:
        return show.submit([fail.submit("data")])

    @flow
    def called_with_failed() -> str:
        return show(fail.submit("data"))

    @flow
    def waits_for_failed() -> object:
        return show.submit(1, wait_for=[fail.submit("data")])

    broken_in_all = (direct, by_future)
    # Prefect says of what comes after that it did not start.
    broken_elsewhere = (downstream, called_with_failed, waits_for_failed)
    for broken in broken_in_all if prefectx_mode == "prefect" else broken_in_all + broken_elsewhere:
        with pytest.raises(LookupError, match="no data"):
            broken()


def test_async_flow_waits_for_what_it_returns() -> None:
    @flow
    async def good() -> Any:
        return {"a": add.submit(1)}

    @flow
    async def broken() -> object:
        return [fail.submit("data")]

    (result,) = asyncio.run(awaited(good())).values()
    assert load(result) == 2
    with pytest.raises(LookupError, match="no data"):
        load(asyncio.run(awaited(broken())))


def test_allow_failure_hands_on_the_exception() -> None:
    @flow
    def lenient() -> object:
        failed = fail.submit("data")
        return show.submit(allow_failure(failed)), show(allow_failure([failed]))

    assert run(lenient) == ("LookupError('no data')", "[LookupError('no data')]")


@task
def kept(value: object) -> object:
    return [value]


@flow
def subflow_of(value: object) -> object:
    return value


@pytest.mark.prefectx("function", "cache", "prefect.skip", "prefect.cache")
def test_an_exception_of_an_input_bears_nothing_of_ours_and_can_be_kept() -> None:
    """Neither after a call nor after a subflow that was given the future which failed."""

    @flow
    def hands_on() -> Any:
        failed = fail.submit(1)
        for start in (show, subflow_of):
            with pytest.raises(LookupError, match="no 1"):
                load(start(failed))
        return kept(allow_failure(failed))

    (error,) = load(hands_on())
    assert isinstance(error, LookupError)
    assert error.__context__ is None


def test_return_state_gives_states() -> None:
    @flow
    def states() -> Any:
        good, bad = add(1, return_state=True), fail(1, return_state=True)
        sent = add.submit(1, return_state=True)
        unready = show.submit(fail.submit(2), return_state=True)
        mapped = add.map([1, 2], return_state=True)
        told = [
            (state.is_completed(), state.is_failed(), state.is_final(), state.type == "COMPLETED")
            for state in (good, bad, sent, unready)
        ]
        with pytest.raises(LookupError):
            bad.result()
        error = bad.result(raise_on_failure=False)
        return told, load(good.result()), repr(error), [load(s.result()) for s in mapped]

    told, data, error, mapped = run(states)
    assert told == [
        (True, False, True, True),
        (False, True, True, False),
        (True, False, True, True),
        (False, False, False, False),
    ]
    assert (data, error, mapped) == (2, "LookupError('no 1')", [2, 3])


def test_states_have_types_and_messages_of_prefects() -> None:
    @flow
    def failing() -> object:
        return fail(3)

    @flow
    def states() -> Any:
        unready = show.submit(fail.submit(2), return_state=True)
        found: list[State[Any]] = [add(1, return_state=True), fail(1, return_state=True), unready]
        found.append(failing(return_state=True))
        return [(str(s.type), s.type.value, s.type == s.type.value, s.message) for s in found]

    good, bad, (*unready, why), of_flow = states()
    assert good == ("StateType.COMPLETED", "COMPLETED", True, None)
    told = "Task run encountered an exception LookupError: no 1"
    assert bad == ("StateType.FAILED", "FAILED", True, told)
    assert unready == ["StateType.PENDING", "PENDING", True]
    assert why.startswith("Upstream task run")
    assert "did not reach a 'COMPLETED' state" in why
    assert of_flow[3] == "Flow run encountered an exception: LookupError: no 3"


@pytest.mark.parametrize(
    "question",
    [
        *("is_scheduled", "is_pending", "is_running", "is_completed", "is_failed"),
        *("is_crashed", "is_cancelled", "is_cancelling", "is_final", "is_paused"),
    ],
)
def test_states_answer_each_question_that_those_of_prefect_answer(question: str) -> None:
    answer: bool = getattr(add(1, return_state=True), question)()
    assert answer is (question in {"is_completed", "is_final"})


def test_async_states_are_awaited_and_loaded() -> None:
    @flow
    async def states() -> tuple[bool, int, list[int], str]:
        direct = await add_later(1, return_state=True)
        sent = add_later.submit(1, return_state=True)
        return direct.is_completed(), load(direct), load([sent]), show(direct)

    async def twice() -> tuple[bool, int, list[int], str]:
        load(await states())
        return load(await states())

    assert asyncio.run(twice()) == (True, 2, [2], "2")


def test_flow_gives_a_state_when_asked() -> None:
    @flow
    def good() -> int:
        return add(1)

    @flow
    def bad() -> Any:
        return fail.submit(1)

    assert load(good(return_state=True).result()) == 2
    assert bad(return_state=True).is_failed()


def test_flow_waits_for_what_it_returns() -> None:
    @flow
    def nested_result() -> object:
        return {"a": add.submit(1), "b": [add.submit(2), (add.submit(3),)]}

    assert run(nested_result) == {"a": 2, "b": [3, (4,)]}


def test_nested_flows_pass_handles_and_data() -> None:
    @flow
    def inner(x: int, y: int) -> object:
        return add.submit(x, y), load(x) * 10

    @flow
    def outer() -> object:
        # Type checkers accept a handle for the first argument only.
        return inner(add(1), add.submit(2)), inner(1, 1)  # type: ignore[call-overload]

    assert run(outer) == ((5, 20), (2, 10))


def test_arguments_of_flows_are_converted_by_prefect_alone(prefectx_mode: str) -> None:
    @flow
    def typed(x: int, y: list[str]) -> tuple[int, list[str]]:
        return x, y

    @flow(validate_parameters=False)
    def free(x: int, y: list[str]) -> tuple[int, list[str]]:
        return x, y

    converted = prefectx_mode not in {"function", "cache"}
    assert run(typed, "5", ("a",)) == ((5, ["a"]) if converted else ("5", ("a",)))
    assert run(free, "5", ("a",)) == ("5", ("a",))


def test_tasks_that_call_tasks_are_given_data() -> None:
    @task
    def parent(value: int) -> int:
        future = add.submit(value, 10)
        return add(value) * 100 + future.result()

    @flow
    def family() -> object:
        return parent(1), parent.submit(2)

    assert run(family) == (211, 312)


@pytest.mark.prefectx("function", "cache", "prefect.skip", "prefect.cache")
def test_tasks_run_outside_flows(prefectx_mode: str) -> None:
    one = add(1)
    future = add.submit(one)
    assert load([one, future, add.map([1, 2])]) == [2, 3, [2, 3]]
    with pytest.raises(LookupError):
        fail(1)
    with pytest.raises(LookupError):
        load(fail.submit(1))
    assert isinstance(one, Item) == (prefectx_mode not in {"function", "prefect"})
    assert load(asyncio.run(awaited(add_later(1)))) == 2


async def awaited(value: Any) -> Any:
    return await value


def test_wait_and_as_completed_take_futures_and_items() -> None:
    @flow
    def waiting() -> object:
        futures = add.map([1, 2, 3])
        futures.wait()
        done, not_done = wait([*futures, add.submit(5)])
        handles = list(as_completed(futures))
        direct = add.submit(7)
        direct.wait()
        return len(done), len(not_done), sorted(load(handles)), futures.result() == futures.result()

    assert run(waiting) == (4, 0, [2, 3, 4], True)


def test_with_options_changes_a_copy() -> None:
    @flow
    def changed() -> object:
        other = add.with_options(target="elsewhere/{left}", tags=["x"])
        return other(1), other.submit(2), add(1), Scale(2).times.with_options(retries=1)(4)

    assert run(changed) == (2, 3, 2, 8)


def test_generator_without_a_target_passes_through() -> None:
    @flow
    def generated() -> object:
        return list(count_up(3)), count_up.submit(2)

    assert run(generated) == ([0, 1, 2], [0, 1])


def test_task_without_a_target_gives_data_and_always_runs(tmp_target: Targets) -> None:
    @task(target=None)
    def fresh(value: int) -> int:
        return value + 1

    @flow
    def always() -> int:
        return fresh(1) + fresh.submit(2).result()

    assert run(always) == 5
    assert tmp_target.runs["fresh"] == 4


def test_context_holds_at_the_time_of_the_call(prefectx_mode: str, tmp_target: Targets) -> None:
    @task(target="named/{base}")
    def named(value: int) -> int:
        return value

    @flow
    def in_a_loop() -> object:
        futures = []
        for value in range(4):
            gcontext["base"] = f"report-{value}"
            futures.append(named.submit(value))
        with context(base="last"):
            futures.append(named.submit(9))
        return futures

    assert run(in_a_loop) == [0, 1, 2, 3, 9]
    assert "base" not in gcontext
    if prefectx_mode not in {"function", "prefect"}:
        assert tmp_target.items() == ["named/last", *(f"named/report-{n}" for n in range(4))]


def test_logger_works_inside_and_outside_runs() -> None:
    @task(target=None)
    def logging_task() -> str:
        get_run_logger().info("from a task")
        return "logged"

    @flow
    def logging_flow() -> str:
        get_run_logger().info("from a flow")
        with tags("nightly"):
            return logging_task()

    assert run(logging_flow) == "logged"
    get_run_logger().info("from nowhere")


def test_prefect_sees_the_mode_in_the_task(prefectx_mode: str) -> None:
    @task(target=None)
    def where() -> str:
        return current_mode()

    @flow
    def asks() -> object:
        return where(), where.submit()

    assert run(asks) == (prefectx_mode, prefectx_mode)


def test_missing_arguments_raise_pythons_own_error() -> None:
    @flow
    def wrong() -> object:
        return add()  # type: ignore[call-overload]

    # Prefect has words of its own for it.
    with pytest.raises(TypeError, match=r"missing (1|a) required (positional )?argument: 'left'"):
        wrong()


def test_handles_travel_by_reference() -> None:
    assert pickle.loads(pickle.dumps(add)) is add
    bound = pickle.loads(pickle.dumps(Scale(3).times))
    assert load(bound(2)) == 6
    varied = pickle.loads(pickle.dumps(add.with_options(target="other/{left}")))
    assert varied.item(1).target == "other/1"
    assert len(pickle.dumps(add.item(1))) < 400


def test_nothing_is_left_running(prefectx_mode: str) -> None:
    before = set(threading.enumerate())

    @flow
    def small() -> object:
        return add_later.submit(1)

    run(small)
    left = {thread.name for thread in set(threading.enumerate()) - before}
    # Prefect's own services live as long as the process.
    ours = {name for name in left if prefectx_mode in {"function", "cache"}}
    assert ours == set()
