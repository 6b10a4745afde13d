"""Trials: from which state they begin, which targets are lost, what is left behind afterwards."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import pytest

from prefectx import flow, load, task
from pytest_prefectx import ModesDisagree, assert_modes_agree
from pytest_prefectx.agree.process_state import ProcessState
from pytest_prefectx.agree.trials import ALL_LOSSES, FEW_LOSSES, FEW_LOSSES_HERE, StoredTarget

TABLE: dict[str, Any] = {"rows": [1, 2]}
TEXT = "before"


class Settings:
    unit = "m"

    def __init__(self) -> None:
        self.names = ["a"]


SETTINGS = Settings()


def reached() -> object:
    return TABLE, TEXT, SETTINGS, Settings


def test_the_state_of_the_users_module_is_put_back() -> None:
    state, table, rows = ProcessState(reached), TABLE, TABLE["rows"]
    TABLE["rows"].append(3)
    TABLE["more"] = 1
    SETTINGS.names.clear()
    Settings.unit = "ft"
    globals()["TEXT"] = "after"
    globals()["NEW"] = 1
    state.restore()
    assert TABLE == {"rows": [1, 2]}
    assert (TABLE is table, TABLE["rows"] is rows) == (True, True)
    assert (SETTINGS.names, Settings.unit, TEXT) == (["a"], "m", "before")
    assert "NEW" not in globals()


def test_what_the_process_shares_is_put_back(tmp_path: Path) -> None:
    state, folder, path = ProcessState(reached), os.getcwd(), list(sys.path)
    os.environ["ZOO_LEFT"] = "1"
    os.chdir(tmp_path)
    sys.path.append("/zoo")
    state.restore()
    assert ("ZOO_LEFT" in os.environ, os.getcwd(), sys.path) == (False, folder, path)


@task
def leave(text: str) -> str:
    Path(tempfile.gettempdir(), "prefectx-trial.txt").write_text(text)
    os.environ["ZOO_LEFT"] = text
    return text


@flow
def leaving() -> str:
    return load(leave("a"))


def test_trials_leave_nothing_behind_in_the_process() -> None:
    random.seed(5)
    expected = random.getrandbits(64)
    random.seed(5)
    assert_modes_agree(leaving)
    assert "ZOO_LEFT" not in os.environ
    assert random.getrandbits(64) == expected


LEFT = [
    StoredTarget("a/1", "a"),
    StoredTarget("a/2", "a"),
    StoredTarget("b/1", "b"),
    StoredTarget("c/1", "c"),
]
MANY = [StoredTarget(f"{task}/{number}", task) for task in ("a", "b", "c") for number in range(20)]


def test_each_tasks_targets_are_lost_alone_in_a_fresh_process() -> None:
    for losses in (ALL_LOSSES, FEW_LOSSES):
        for kept in (LEFT, MANY):
            fresh = [
                {name.partition("/")[0] for name in loss.names}
                for loss in losses.of(kept)
                if loss.is_fresh
            ]
            assert fresh == [{"c"}, {"b"}, {"a"}]


def test_a_search_loses_the_same_targets_without_a_fresh_process() -> None:
    for kept in (LEFT, MANY, []):
        here = FEW_LOSSES_HERE.of(kept)
        assert [loss.names for loss in here] == [loss.names for loss in FEW_LOSSES.of(kept)]
        assert not any(loss.is_fresh for loss in here)


def test_few_targets_are_lost_one_by_one_and_as_an_interrupted_run_leaves_them() -> None:
    names = [loss.names for loss in ALL_LOSSES.of(LEFT)]
    assert {("a/1",), ("a/2",)} <= {*names}
    assert ("a/2", "b/1", "c/1") in names


def test_no_two_losses_are_the_same() -> None:
    for kept in (LEFT, MANY, LEFT[:1], []):
        lost = [frozenset(loss.names) for loss in ALL_LOSSES.of(kept)]
        assert len(lost) == len({*lost})


DONE: list[int] = []


@task
def first(number: int) -> int:
    DONE.append(number)
    return number


@task
def second(numbers: list[int]) -> int:
    return len(DONE)


@flow
def counted() -> int:
    DONE.clear()
    return load(second([first(number) for number in range(10)]))


def test_a_maker_and_a_user_among_many_targets_do_not_fall_together() -> None:
    with pytest.raises(ModesDisagree) as caught:
        assert_modes_agree(counted)
    assert caught.value.reason is not None
    assert (caught.value.reason.kind, "first" in str(caught.value)) == ("side-effect", True)


@task
def replace_function(number: int) -> int:
    textwrap.dedent = lambda text: text
    textwrap.TextWrapper.fill = lambda *_: "replaced"  # type: ignore[method-assign]
    return number


def test_functions_of_libraries_that_a_trial_has_replaced_are_put_back() -> None:
    before = textwrap.dedent, textwrap.TextWrapper.fill
    state = ProcessState(replace_function)
    replace_function(1)
    assert textwrap.dedent is not before[0]
    state.restore()
    assert (textwrap.dedent, textwrap.TextWrapper.fill) == before
