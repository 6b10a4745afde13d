"""The folder for targets that tests get."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from handles import item_of
from hypothesis import given, settings
from hypothesis import strategies as st

import prefectx
from prefectx.errors import CorruptTarget

if TYPE_CHECKING:
    from collections.abc import Callable

    from example import Example

    from pytest_prefectx import Targets
    from pytest_prefectx.fixtures import TargetsFactory


@prefectx.task
def double(x: int) -> int:
    """Return twice `x`."""
    return 2 * x


@prefectx.task
def boom() -> None:
    """Fail."""
    msg = "boom"
    raise RuntimeError(msg)


def test_targets_are_made_in_the_fresh_current_folder(tmp_target: Targets) -> None:
    """`items` gives names relative to it; records and unfinished files are left out."""
    assert Path.cwd() == tmp_target.path
    assert tmp_target.items() == []
    with prefectx.use_mode("cache"):
        double(2)
    unfinished = tmp_target.path / "working" / ".prefectx-1-2.tmp"
    unfinished.touch()
    assert tmp_target.items() == [double.item(2).target]


def test_runs_counts_only_what_really_ran_since_the_start(tmp_target: Targets) -> None:
    """A hit does not count; a run that fails does."""
    assert not tmp_target.runs
    with prefectx.use_mode("cache"):
        for x in (1, 2, 1):
            double(x)
        with pytest.raises(RuntimeError, match="boom"):
            boom()
    assert tmp_target.runs == {"double": 2, "boom": 1}


def test_lost_targets_are_made_anew(tmp_target: Targets) -> None:
    """`lose` deletes what matches and gives the names."""
    with prefectx.use_mode("cache"):
        double(1)
        double(2)
        first, second = double.item(1), double.item(2)
        assert tmp_target.lose(f"*{second.target[-8:]}") == [second.target]
        assert tmp_target.items() == [first.target]
        double(2)
    assert tmp_target.runs == {"double": 3}
    assert tmp_target.lose() == sorted([first.target, second.target])
    assert tmp_target.lose() == []


@pytest.mark.parametrize("harm", ["corrupt", "truncate"])
def test_harmed_targets_cannot_be_read(tmp_target: Targets, harm: str) -> None:
    """`corrupt` and `truncate` leave a file that is there but is no output."""
    with prefectx.use_mode("cache"):
        double(1)
        item = double.item(1)
        assert getattr(tmp_target, harm)("working/*") == [item.target]
        assert item.exists()
        with pytest.raises(CorruptTarget):
            item.load()


def test_an_empty_target_is_corrupted_too(tmp_target: Targets) -> None:
    """There is no bit to flip in it, so it gets one."""
    (tmp_target.path / "empty").touch()
    assert tmp_target.corrupt("empty") == ["empty"]
    assert (tmp_target.path / "empty").read_bytes() == b"\xff"


def test_the_factory_gives_a_fresh_folder_each_time(
    tmp_target_factory: TargetsFactory, tmp_target: Targets
) -> None:
    """Folder and counts are its own, and the current folder is put back."""
    with prefectx.use_mode("cache"):
        double(1)
        for _ in range(2):
            with tmp_target_factory() as fresh:
                assert Path.cwd() == fresh.path != tmp_target.path
                double(1)
                assert fresh.runs == {"double": 1}
    assert Path.cwd() == tmp_target.path
    assert tmp_target.runs == {"double": 3}


@given(st.sets(st.integers(0, 3), min_size=1))
@settings(max_examples=5)
def test_the_factory_gives_each_example_of_hypothesis_its_own(
    tmp_target_factory: TargetsFactory, numbers: set[int]
) -> None:
    """Nothing is left of the example before, so that each task runs again."""
    with tmp_target_factory() as fresh, prefectx.use_mode("cache"):
        assert fresh.items() == []
        assert {item_of(double(x)).load() for x in numbers} == {2 * x for x in numbers}
        assert fresh.runs == {"double": len(numbers)}
        assert len(fresh.items()) == len(numbers)


def test_the_folder_is_left_even_if_the_test_changes_it_again(
    example: Callable[..., Example],
) -> None:
    """The next test starts where the session did."""
    project = example(
        """
        import os, pathlib

        START = os.getcwd()

        def test_leaves(tmp_target, tmp_path, monkeypatch): monkeypatch.chdir(tmp_path)

        def test_next(): assert os.getcwd() == START

        def test_runs_of_a_subprocess_count_as_well(tmp_target):
            import subprocess, sys
            code = "import prefectx; double = prefectx.task(abs); double(-1)"
            subprocess.run([sys.executable, "-c", code], check=True)
            assert tmp_target.runs == {"abs": 1}

        def test_later(tmp_target): assert not tmp_target.runs
        """
    )
    project.run().ends(passed=4)
