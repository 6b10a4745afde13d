"""`check_flow` and `given_modes`: hypothesis finds the input on which modes differ."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, assume, example, settings
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, Unsatisfiable
from simple_tasks import double

from prefectx import current_mode, flow, load, task
from pytest_prefectx import ModesDisagree, check_flow, given_modes
from pytest_prefectx.search.given import MOST_REPLAYED

if TYPE_CHECKING:
    from pytest_prefectx.server.client import PrefectServer

FAST = ("function", "cache")

# Examples of an earlier session would come first.
QUICK = settings(max_examples=40, database=None, derandomize=True)


@task(target="out/{len(word)}")
def shout(word: str) -> str:
    return f"{word}!"


@task(target="out/{x:.1f}")
def reciprocal(x: float) -> float:
    return 1 / x if x else float("inf")


@task
def without_last(rows: list[int]) -> list[int]:
    if len(rows) > 2:
        rows.pop()
    return rows


@flow
def doubled(x: int) -> object:
    return double(x)


@flow
def shouted(word: str) -> str:
    return shout(word)


@flow
def shortened(rows: list[int]) -> tuple[list[int], list[int]]:
    return without_last(rows), rows


def found(subject: Any, *strategies: Any, **options: Any) -> ModesDisagree:
    with pytest.raises(ModesDisagree) as caught:
        check_flow(subject, *strategies, settings=QUICK, **options)
    return caught.value


def test_agreement_is_silent() -> None:
    check_flow(doubled, st.integers(), settings=QUICK)
    check_flow(double, x=st.integers(), settings=QUICK)


def test_smallest_input_is_found() -> None:
    error = found(shortened, st.lists(st.integers()))
    assert [call.args for call in error.disagreement.case.program.calls] == [([0, 0, 0],)]
    assert error.reason is not None
    assert error.reason.kind == "changes-argument"


def test_two_calls_that_share_a_target_are_found() -> None:
    error = found(shouted, st.text(st.characters(codec="ascii"), min_size=1))
    calls = error.disagreement.case.program.calls
    assert len(calls) == 2
    assert error.reason is not None
    assert error.reason.kind == "shared-target"


def test_twins_of_an_argument_are_tried() -> None:
    """Nobody draws -0.0 after 0.0 by chance."""

    @task(target="out/{x == 0}/{abs(x)}")
    def direction(x: float) -> str:
        return "left" if str(x).startswith("-") else "right"

    error = found(flow(lambda x: [direction(x)]), st.floats(-1, 1))
    assert {repr(call.args[0]) for call in error.disagreement.case.program.calls} == {"0.0", "-0.0"}


def test_twins_of_another_type_than_the_annotated_are_not_tried() -> None:
    """That text and number share a target says nothing if there is never any text."""

    @task(target="out/{x}")
    def plus_one(x: Any) -> object:
        return f"{x}1" if isinstance(x, str) else x + 1

    @flow
    def counted(x: int) -> object:
        return plus_one(x)

    check_flow(counted, st.integers(), settings=QUICK)
    found(flow(lambda x: [plus_one(x)]), st.sampled_from([1, "1"]))


def test_twins_that_the_flow_refuses_are_left_out() -> None:
    @flow
    def strict(x: Any) -> object:
        if str(x) == "-0.0":
            raise TypeError(x)
        return double(x)

    check_flow(strict, st.just(0.0), settings=QUICK)


def test_exception_that_is_the_same_everywhere_is_raised_unless_declared() -> None:
    @flow
    def picky(x: int) -> object:
        if x > 2:
            raise ValueError(x)
        return double(x)

    with pytest.raises(ValueError, match="3"):
        check_flow(picky, st.integers(), settings=QUICK)
    check_flow(picky, st.integers(), settings=QUICK, raises=ValueError)


def test_async_flows_are_searched() -> None:
    @task
    async def later(x: int) -> int:
        await asyncio.sleep(0)
        return x

    @flow
    async def both(x: int) -> tuple[int, int]:
        return await asyncio.gather(later(x), later(x + 1))

    check_flow(both, st.integers(), settings=QUICK)


def test_a_test_is_called_in_every_mode_and_its_results_compared() -> None:
    seen: set[str] = set()

    @settings(max_examples=5)
    @given_modes(x=st.integers())
    def good(x: int) -> object:
        seen.add(current_mode())
        assert load(doubled(x)) == 2 * x
        return doubled(x)

    @QUICK
    @given_modes(rows=st.lists(st.integers()))
    def bad(rows: list[int]) -> object:
        return shortened(rows)

    good(prefectx_modes=FAST)
    assert seen == set(FAST)
    with pytest.raises(ModesDisagree, match=r"modes disagree on bad\(rows=\[0, 0, 0\]\)"):
        bad(prefectx_modes=FAST)


def test_a_failing_assertion_is_raised_as_it_is() -> None:
    @QUICK
    @given_modes(x=st.integers(min_value=0))
    def small(x: int) -> None:
        assert x < 3, f"{x} is large"

    with pytest.raises(AssertionError, match="3 is large"):
        small(prefectx_modes=FAST)


def test_assume_example_fixtures_methods_and_coroutines_are_understood() -> None:
    seen: list[int] = []

    class TestIt:
        @settings(max_examples=5)
        @example(x=1_000_003)
        @given_modes(x=st.integers(0, 9))
        async def test(self, x: int, offset: int) -> object:
            assume(x != 5)
            seen.append(x + offset)
            return doubled(x)

    TestIt().test(offset=1, prefectx_modes=FAST)
    assert 1_000_004 in seen
    assert 6 not in seen
    assert [*inspect.signature(TestIt.test).parameters] == ["self", "offset", "prefectx_modes"]


def test_an_assumption_that_never_holds_is_reported_by_hypothesis() -> None:
    @QUICK
    @given_modes(x=st.integers())
    def never(x: int) -> None:
        assume(False)

    with pytest.raises((Unsatisfiable, FailedHealthCheck)):
        never(prefectx_modes=FAST)


def test_settings_are_kept_but_for_the_deadline() -> None:
    calls: list[int] = []

    @settings(max_examples=3, phases=[Phase.generate], deadline=1)
    @given_modes(x=st.integers())
    def counted(x: int) -> object:
        if current_mode() == "function":
            calls.append(x)
        return doubled(x)

    counted(prefectx_modes=FAST)
    assert 0 < len(calls) <= 9  # three examples of at most three calls


def test_a_mode_is_never_compared_with_itself_alone() -> None:
    @QUICK
    @given_modes(rows=st.lists(st.integers()))
    def bad(rows: list[int]) -> object:
        return shortened(rows)

    with pytest.raises(ModesDisagree, match="cache, with"):
        bad(prefectx_modes=("cache",))


def test_strategies_that_draw_while_the_test_runs_are_refused() -> None:
    with pytest.raises(TypeError, match=r"data\(\) draws values while the test runs"):
        given_modes(x=st.data())
    with pytest.raises(TypeError, match="draws values while the test runs"):
        check_flow(doubled, st.data())


def test_strategies_are_given_by_name() -> None:
    with pytest.raises(TypeError, match="strategy for each argument by name"):
        given_modes()


@pytest.mark.prefectx("prefect.skip")
def test_some_examples_are_run_in_the_prefect_modes(
    prefectx_mode: str, prefect_server: PrefectServer
) -> None:
    name = "searched-flow"
    check_flow(doubled.with_options(name=name), st.integers(), settings=QUICK)
    runs = prefect_server.flow_runs(flow_name=name)
    assert 1 <= len(runs) <= MOST_REPLAYED * 9  # three calls: cold, warm and with some targets lost


@pytest.mark.prefectx("prefect.cache")
def test_smallest_failure_is_run_in_the_prefect_modes_too(prefectx_mode: str) -> None:
    error = found(shortened, st.lists(st.integers()), modes=("function", "cache", "prefect.cache"))
    assert "In the Prefect modes: prefect.cache differs from function too." in error.__notes__


@pytest.mark.prefectx("prefect")
def test_prefect_modes_that_agree_are_named(prefectx_mode: str) -> None:
    error = found(reciprocal, st.sampled_from([0.01, 0.02]), modes=("function", "cache", "prefect"))
    assert "In the Prefect modes: prefect agrees with function." in error.__notes__
