"""Tests that use outputs from before the session are told so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from example import Example

TESTS = """
import shutil
import pytest
from prefectx import flow, load, task

@task
def double(x: int) -> int:
    return 2 * x

@task(target="working/{funcname}/{x}.json")
def half(x: int) -> int:
    return x // 2

@flow
def both(x: int) -> int:
    return load(double(x)) + load(half(x))

def test_flow():
    assert both(2) == 5

def test_task_without_a_flow():
    assert load(double(2)) == 4

def test_fresh(tmp_target):
    assert both(2) == 5

def test_new_in_the_old_folder():
    assert load(double(3)) == 6
    assert load(double(3)) == 6

def test_copy(tmp_path, monkeypatch):
    shutil.copytree("working", tmp_path / "working")
    monkeypatch.chdir(tmp_path)
    assert both(2) == 5

@pytest.mark.filterwarnings("ignore::pytest_prefectx.OldTarget")
def test_that_wants_them():
    assert both(2) == 5

def test_that_removes_them():
    shutil.rmtree("working")
    assert both(2) == 5
    assert both(2) == 5
"""


def test_a_test_that_uses_outputs_of_an_earlier_session_is_told_so(
    example: Callable[..., Example],
) -> None:
    """The warning names the tests, the tasks, the folder and the cure; other tests have none."""
    project = example(TESTS)
    first = project.run("--prefectx-mode=cache", "test_it.py::test_flow").ends(passed=1)
    assert "OldTarget" not in first.stdout
    # The workers of pytest-xdist start after the session.
    run = project.run("--prefectx-mode=cache", "-n1").ends(passed=7)
    run.says(
        "test_it.py::test_flow",
        "*OldTarget: the test used outputs from before this session of pytest, *",
        "*  double: 2 in working/double/",
        "*  half: 2.json in working/half/",
        "*Give the test the fixture tmp_target*",
        "test_it.py::test_task_without_a_flow",
        "*  double: 2 in working/double/",
    )
    assert run.stdout.count("OldTarget: the test used") == 2
