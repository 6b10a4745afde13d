"""Machines: their declaration and their runs, which leave nothing behind, however they end."""

from __future__ import annotations

import os
import tempfile
import threading
import unittest
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from simple_tasks import double

from prefectx import current_mode, flow, load, task
from prefectx.errors import UnknownMode
from pytest_prefectx import ModeMachine, ModesDisagree

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = st.tuples(st.integers(0, 5))


@flow
def quadruple(x: int) -> int:
    return double(double(x))


@task(target="{funcname}/{x // 2}")
def clashing(x: int) -> int:
    return x


class QuadrupleMachine(ModeMachine):
    flow = quadruple
    arguments = NUMBERS


def run(machine: type[RuleBasedStateMachine], examples: int = 10) -> None:
    bounded = settings(
        machine.TestCase.settings, max_examples=examples, derandomize=True, database=None
    )
    run_state_machine_as_test(machine, settings=bounded)


class Surroundings:
    """What a test must find afterwards as it was before."""

    def __init__(self) -> None:
        self.folder = os.getcwd()
        self.mode = current_mode()
        self.threads = threading.enumerate()
        self.temporary = sorted(os.listdir(tempfile.gettempdir()))
        self.filters = warnings.filters[:]
        self.environment = dict(os.environ)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Surroundings) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_nothing_is_left_behind(temporary: Path) -> None:
    before = Surroundings()
    run(QuadrupleMachine, 30)
    assert Surroundings() == before


def test_nothing_is_left_behind_by_one_that_fails(temporary: Path) -> None:
    class ClashingMachine(ModeMachine):
        flow = clashing
        arguments = NUMBERS

    before = Surroundings()
    with pytest.raises(ModesDisagree):
        run(ClashingMachine, 30)
    assert Surroundings() == before


def test_nothing_is_left_behind_by_a_flow_that_raises_only_here(temporary: Path) -> None:
    class RaisingMachine(ModeMachine):
        @flow
        def flow(x: int) -> int:  # noqa: N805 - no method: it is called as it is
            raise LookupError(x)

        arguments = NUMBERS

    before = Surroundings()
    with pytest.raises(LookupError):
        run(RaisingMachine)
    assert Surroundings() == before


def test_nothing_is_left_behind_by_a_rule_that_fails(temporary: Path) -> None:
    class Impatient(QuadrupleMachine):
        @rule()
        def give_up(self) -> None:
            raise TimeoutError

    before = Surroundings()
    with pytest.raises(TimeoutError):
        run(Impatient)
    assert Surroundings() == before


def test_what_the_flow_may_raise_is_compared() -> None:
    @task
    def even(x: int) -> int:
        if x % 2:
            raise LookupError(x)
        return x

    class EvenMachine(ModeMachine):
        flow = even
        arguments = NUMBERS
        raises = LookupError

    run(EvenMachine)


def test_a_task_a_function_and_a_coroutine_function_will_do() -> None:
    def plain(x: int) -> object:
        return [double(x), load(double(x))]

    async def later(x: int) -> object:
        return plain(x)

    @flow
    async def flow_later(x: int) -> object:
        return plain(x)

    for subject in (double, plain, later, flow_later, staticmethod(plain)):
        run(type("Machine", (ModeMachine,), {"flow": subject, "arguments": NUMBERS}))


def test_twins_that_the_flow_was_not_written_for_are_left_out() -> None:
    given = set()

    @task
    def copied(value: Any) -> object:
        given.add((current_mode(), type(value)))
        return value.copy()

    class CopiedMachine(ModeMachine):
        flow = copied
        arguments = st.tuples(st.lists(st.integers(0, 1)))

    run(CopiedMachine)
    assert given == {("function", list), ("function", tuple), ("cache", list)}


def test_each_example_starts_in_the_last_mode_and_may_switch() -> None:
    modes = []

    def noted(x: int) -> int:
        modes.append(current_mode())
        return x

    class NotedMachine(ModeMachine):
        flow = noted
        arguments = NUMBERS
        modes = ("function", "cache")

    run(NotedMachine)
    # First it is asked what mode function gives, and who keeps what.
    assert modes[:3] == ["function", "function", "cache"]
    assert set(modes) == {"function", "cache"}


def test_a_machine_may_have_one_mode_but_function() -> None:
    run(type("Machine", (QuadrupleMachine,), {"modes": ("cache",)}))
    with pytest.raises(ValueError, match="nothing to compare"):
        run(type("Machine", (QuadrupleMachine,), {"modes": ("function",)}))


def test_a_rule_can_be_left_out() -> None:
    class Gentle(QuadrupleMachine):
        new_process = None  # type: ignore[assignment]
        corrupt = None  # type: ignore[assignment]

    rules = {each.function.__name__ for each in Gentle.setup_state().rules}
    assert rules == {
        "call",
        "call_again",
        "call_twins",
        "switch_mode",
        "lose",
        "truncate",
        "crash",
        "full_disk",
        "concurrent_run",
    }
    run(Gentle)


def test_each_rule_says_what_it_does() -> None:
    state = ModeMachine.setup_state()
    assert all(each.function.__doc__ for each in [*state.rules, *state.initializers])


def test_the_settings_suit_slow_steps() -> None:
    applied = QuadrupleMachine.TestCase.settings
    assert applied.deadline is None
    assert applied.stateful_step_count == 20
    assert Phase.explain not in applied.phases
    assert settings().stateful_step_count == 50


def test_it_is_a_test_case_of_unittest() -> None:
    case = QuadrupleMachine.TestCase
    case.settings = settings(case.settings, max_examples=2, database=None)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert result.testsRun == 1
    assert result.wasSuccessful(), result.errors


@pytest.mark.parametrize("missing", ["flow", "arguments"])
def test_a_machine_without_its_two_attributes_says_so(missing: str) -> None:
    attributes = {"flow": quadruple, "arguments": NUMBERS}
    del attributes[missing]
    with pytest.raises(TypeError, match=f"Machine has no {missing}. A ModeMachine needs two"):
        run(type("Machine", (ModeMachine,), attributes))


def test_arguments_that_are_no_tuples_are_refused() -> None:
    class SingleMachine(ModeMachine):
        flow = quadruple
        arguments = st.integers(0, 5)

    with pytest.raises(
        TypeError, match="arguments= must be a strategy of tuples, but it has drawn 0"
    ):
        run(SingleMachine)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(UnknownMode, match="Did you mean 'cache'"):
        run(type("Machine", (QuadrupleMachine,), {"modes": ("cach",)}))
