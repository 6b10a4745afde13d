"""Arguments and results, which once differed between modes or could."""

from __future__ import annotations

import collections
import functools
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from prefect.task_runners import ProcessPoolTaskRunner

from prefectx import flow, gcontext, item, load, task, use_mode
from prefectx.errors import TargetCollision, UnsafeTarget

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx, pytest.mark.usefixtures("tmp_target")]
KEEPING = ("cache", "prefect.skip", "prefect.cache")


def run(start: Callable[..., object], *args: Any) -> object:
    """Run a flow twice, cold and warm; give the second result."""
    first, second = load(start(*args)), load(start(*args))
    assert first == second
    return second


@task
def one(value: object) -> object:
    return value


@task
def clean(value: object) -> object:
    return "clean", value


@task(target="out/{funcname}")
def fixed(value: object) -> object:
    return getattr(value, "k", value)


class Config:
    def __init__(self, k: object) -> None:
        self.k = k


class Coded(Exception):
    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        return (Coded, (*self.args, self.code))


def adder(by: int) -> Any:
    @task(target="out/{funcname}-{value}")
    def add(value: int) -> int:
        return value + by

    return add


@pytest.mark.prefectx(*KEEPING)
def test_functions_of_one_factory_do_not_share_a_target_silently() -> None:
    @flow
    def two() -> list[int]:
        return load([adder(1)(5), adder(2)(5)])

    with pytest.raises(TargetCollision):
        two()


@pytest.mark.prefectx("cache")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Config(1), Config(2)),
        ([0] * 9, [0] * 4 + [1] + [0] * 4),
        ({"a": {"b": {"c": {"d": 1}}}}, {"a": {"b": {"c": {"d": 2}}}}),
        (ValueError(1), ValueError(2)),
        (functools.partial(int, base=2), functools.partial(int, base=3)),
        (Coded("m", 1), Coded("m", 2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_small_arguments_that_differ_never_share_a_target(left: object, right: object) -> None:
    @flow
    def two() -> None:
        fixed(left)
        fixed(right)

    with pytest.raises(TargetCollision):
        two()


class Lazy:
    def __init__(self, value: int) -> None:
        self.value = value

    @functools.cached_property
    def found(self) -> int:
        return 5


def test_object_that_fills_its_cached_property_is_the_same_all_the_same() -> None:
    lazy = Lazy(1)

    @task(target="out/lazy")
    def value_of(lazy: Lazy) -> int:
        return lazy.value

    @flow
    def twice() -> tuple[int, int]:
        first = load(value_of(lazy))
        assert lazy.found == 5
        return first, value_of(lazy)

    assert load(twice()) == (1, 1)


def test_loaders_without_arguments_can_feed_one_task() -> None:
    @task
    def first() -> list[int]:
        return [1]

    @task
    def second() -> list[int]:
        return [2]

    @flow
    def both() -> object:
        return clean(first()), clean.submit(second())

    assert run(both) == (("clean", [1]), ("clean", [2]))


def test_exceptions_as_arguments_are_told_apart_by_their_attributes() -> None:
    @task
    def code(error: Any) -> int:
        return int(error.code)

    @flow
    def both() -> tuple[int, int]:
        return code(Coded("m", 1)), code(Coded("m", 2))

    assert run(both) == (1, 2)


def test_iterators_reach_the_task_unused() -> None:
    @task(target=None)
    def listed(values: Any) -> list[object]:
        return list(values)

    @flow
    def both(outer: Any) -> object:
        return listed(iter([1, 2])), listed.submit(iter([3])), list(outer)

    assert load(both(iter([4, 5]))) == ([1, 2], [3], [4, 5])


def test_handles_that_a_task_returns_are_loaded() -> None:
    one(7)
    with use_mode("cache"):
        kept = one.item(7)
        one(7)

    @task
    def gives_future(value: int) -> object:
        return one.submit(value)

    @task
    def gives_many(value: int) -> object:
        return {"many": one.map([value, value + 1])}

    @task
    def gives_item() -> object:
        return [item(kept.target)]

    @flow
    def all_ways() -> object:
        return clean(gives_future(1)), clean(gives_many(1)), clean(gives_item())

    assert run(all_ways) == (("clean", 1), ("clean", {"many": [1, 2]}), ("clean", [7]))


def test_load_keeps_the_kinds_of_containers() -> None:
    class Bag(list[Any]):
        pass

    @flow
    def containers() -> object:
        counts = load(collections.Counter({"a": one(5)}))
        bag = load(Bag([one(6)]))
        return dict(counts), type(counts).__name__, type(bag).__name__, list(bag)

    assert run(containers) == ({"a": 5}, "Counter", "Bag", [6])


def test_generator_flows_have_a_run_and_a_context_of_their_own(prefectx_mode: str) -> None:
    @flow
    def collides() -> Any:
        yield fixed(1)
        yield fixed(2)

    @flow
    def sets_names() -> Any:
        gcontext["zz"] = 1
        got = yield 1
        yield (got, gcontext["zz"])

    if prefectx_mode in KEEPING:
        with pytest.raises(TargetCollision):
            list(collides())
    else:
        assert list(collides()) == [1, 2]
    assert list(sets_names()) == [1, (None, 1)]
    assert "zz" not in gcontext


def test_context_set_inside_a_task_ends_with_it() -> None:
    @task
    def sets_base(value: int) -> int:
        gcontext["base"] = "k"
        return value

    @flow
    def after() -> object:
        return sets_base(1), one(1), one(2)

    if_kept = run(after)
    assert if_kept == (1, 1, 2)


def test_overridden_methods_keep_their_own_outputs() -> None:
    class Base:
        @task
        def work(self, value: int) -> object:
            return "base", value

    class Derived(Base):
        @task
        def work(self, value: int) -> object:
            return "derived", super().work(value)

    @flow
    def works() -> object:
        return Derived().work(1)

    assert run(works) == ("derived", ("base", 1))


def test_wrong_arguments_raise_when_submitted() -> None:
    @flow
    def wrong() -> None:
        one.submit(1, 2, 3)

    with pytest.raises(TypeError, match="positional argument"):
        wrong()


@pytest.mark.prefectx(*KEEPING)
def test_refused_targets_fail_the_future_not_the_submit() -> None:
    @task(target="out/{value}")
    def named(value: str) -> str:
        return value

    @flow
    def refused() -> object:
        future = named.submit("../x")
        return named.submit("x", return_state=True).is_completed(), future.state.is_failed(), future

    with pytest.raises(UnsafeTarget):
        refused()


@pytest.mark.prefectx("function", *KEEPING)
def test_arguments_may_be_called_self_and_task() -> None:
    @task
    def named(**values: object) -> object:
        return sorted(values.items())

    @flow
    def calls() -> object:
        return named(self=1, task=2), named.submit(self=3, args=4), named.map(self=[5], kwargs=6)

    assert run(calls) == (
        [("self", 1), ("task", 2)],
        [("args", 4), ("self", 3)],
        [[("kwargs", 6), ("self", 5)]],
    )


def test_recursive_tasks_find_themselves() -> None:
    @task
    def factorial(n: int, *, one: int = 1) -> int:
        return one if n == 0 else n * factorial(n - 1)

    @flow
    def computes() -> object:
        return factorial(4), factorial.submit(3)

    assert run(computes) == (24, 6)


def test_stop_iteration_passes_unchanged() -> None:
    @task(target=None)
    def stops() -> None:
        raise StopIteration(3)

    @flow
    def catches() -> Any:
        try:
            stops()
        except StopIteration as stop:
            return stop.value

    assert run(catches) == 3


@pytest.mark.prefectx("prefect.skip", "prefect.cache")
def test_retry_after_the_arguments_changed_fills_the_calls_own_target() -> None:
    @task(retries=1)
    def grows(values: list[int]) -> int:
        values.append(1)
        if len(values) < 2:
            raise ValueError
        return len(values)

    @flow
    def retried() -> int:
        return grows([])

    assert load(retried()) == 2
    assert grows.item([]).exists()


@pytest.mark.prefectx("prefect.skip", "prefect.cache")
def test_targets_are_the_cache_even_beside_prefects_own(tmp_target: Targets) -> None:
    from prefect.cache_policies import INPUTS

    @task(cache_policy=INPUTS, persist_result=True)
    def cached(value: int) -> int:
        return value * 2

    @flow
    def asks() -> object:
        return cached(4), cached.submit(4)

    assert load(asks()) == (8, 8)
    tmp_target.lose("working/cached/*")
    assert load(asks()) == (8, 8)
    with use_mode("prefect"):
        assert load(asks()) == (8, 8)
    tmp_target.lose("working/cached/*")
    assert load(asks()) == (8, 8)


@pytest.mark.nightly("prefect.cache")
@pytest.mark.prefectx("prefect.skip", "prefect.cache")
def test_processes_of_a_task_runner_do_not_hide_collisions() -> None:
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def two() -> object:
        return [fixed.submit(1), fixed.submit(2)]

    with pytest.raises(TargetCollision):
        two()


@pytest.mark.prefectx("prefect.skip")
def test_states_and_annotations_name_the_same_call_as_data() -> None:
    from prefect.utilities.annotations import quote

    @flow
    def stated() -> object:
        return fixed(one(1, return_state=True)), one(quote([1, 2])), one(frozenset([one.submit(3)]))

    assert run(stated) == (1, [1, 2], frozenset([3]))


@pytest.mark.prefectx("prefect.cache")
def test_flow_becomes_prefects_in_two_threads_at_once() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    found: list[object] = []
    try:
        for _ in range(20):
            with use_mode("function"):
                fresh = flow(lambda: 1)
            together = threading.Barrier(3)

            def look(fresh: Any = fresh, together: Any = together) -> None:
                together.wait()
                with use_mode("prefect.cache"):
                    found.append((fresh.task_runner is not None, callable(fresh.fn)))

            threads = [threading.Thread(target=look) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert found == [(True, True)] * 60
