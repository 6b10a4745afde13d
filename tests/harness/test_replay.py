"""Tests made of real runs: recorded calls, frozen calls, and the list of a flow's calls."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from quick_pytest import QUICK

from prefectx import flow, load, task, use_mode
from pytest_prefectx.replay import CallsDiffer, History

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_prefectx import Targets

PROJECT = """
import random
from dataclasses import dataclass
from prefectx import flow, load, task

@dataclass(frozen=True)
class Station:
    name: str
    height: float

@task
def read(day: str) -> list[int]:
    return [int(day), 3, 1]

@task(target="working/{funcname}/{base}.json")
def clean(rows: list[int], keep: int = 2) -> list[int]:
    return sorted(rows)[:keep]

@task
def label(station: Station, *names: str, **more: int) -> str:
    return " ".join([station.name, *names, *more])

@task
def draw(size: int) -> list[float]:
    return [random.random() for _ in range(size)]

@task(store=None, target="working/{funcname}/{day}.txt")
def plot(day: str) -> str:
    from pathlib import Path
    path = Path(f"working/plot/{day}.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(day)
    return str(path)

@flow
def report(days: int = 3) -> list[list[int]]:
    found = [clean(read(str(day))) for day in range(days)]
    label(Station("north", 1.5), "a", "b", c=1)
    plot("1")
    return load(found)
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def replayed(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    quiet = ("-m", "pytest", *QUICK, "-p", "no:cacheprovider", "-p", "no:asyncio", "-rs")
    return run(folder, *quiet, "--prefectx-replay", "working", *options)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which a flow has run."""
    (tmp_path / "station.py").write_text(PROJECT)
    code = "import station; from prefectx import use_mode\nwith use_mode('cache'): station.report()"
    ended = run(tmp_path, "-c", code)
    assert ended.returncode == 0, ended.stderr
    return tmp_path


def change(project: Path, old: str, new: str) -> None:
    file = project / "station.py"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_each_recorded_call_is_a_test_that_gives_what_was_kept(project: Path) -> None:
    ended = replayed(project)
    assert "7 passed, 1 skipped" in ended.stdout
    assert "writes its target itself" in ended.stdout


def test_a_sample_takes_the_smallest_outputs_of_each_task(project: Path) -> None:
    assert "3 passed" in replayed(project, "--prefectx-replay-per-task", "1").stdout


def test_a_changed_task_fails_with_the_path_and_what_has_changed(project: Path) -> None:
    change(project, "return sorted(rows)[:keep]", "return sorted(rows)[:keep][::-1]")
    ended = replayed(project)
    assert ended.returncode == 1
    assert "2 failed, 5 passed, 1 skipped" in ended.stdout
    assert "at result[0]" in ended.stdout
    assert "the code of the task has changed since" in ended.stdout


def test_a_refactored_task_that_gives_the_same_passes(project: Path) -> None:
    change(
        project,
        "return sorted(rows)[:keep]",
        "rows = list(rows)\n    rows.sort()\n    return rows[:keep]",
    )
    assert "7 passed, 1 skipped" in replayed(project).stdout


def test_a_task_that_raises_now_fails_with_its_exception(project: Path) -> None:
    change(project, "return sorted(rows)[:keep]", "raise LookupError('no rows')")
    assert "now:  raised LookupError: no rows" in replayed(project).stdout


def test_a_task_that_draws_by_chance_is_called_not_deterministic(project: Path) -> None:
    code = "import station; from prefectx import use_mode\nwith use_mode('cache'): station.draw(3)"
    assert run(project, "-c", code).returncode == 0
    ended = replayed(project)
    assert (
        "(not-deterministic) two runs with these arguments differ. It uses random." in ended.stdout
    )


def test_a_task_that_is_gone_is_skipped_with_its_name(project: Path) -> None:
    change(project, "def label(", "def labelled(")
    change(project, '    label(Station("north", 1.5), "a", "b", c=1)\n', "")
    assert "there is no task station.label any more" in replayed(project).stdout


def test_a_folder_without_records_is_a_collection_error(tmp_path: Path) -> None:
    (tmp_path / "working").mkdir()
    ended = replayed(tmp_path)
    assert ended.returncode != 0
    assert "has records of prefectx" in ended.stdout


def test_replayed_calls_stand_beside_the_tests_that_are_named(project: Path) -> None:
    (project / "test_other.py").write_text("def test_it():\n    pass\n")
    assert "8 passed, 1 skipped" in replayed(project, "test_other.py").stdout


def test_the_fixture_replays_with_all_differences_at_once(project: Path) -> None:
    test = "def test_all(prefectx_replay):\n    prefectx_replay('working')\n"
    (project / "test_replayed.py").write_text(test)
    quiet = ("-m", "pytest", *QUICK, "-q", "-p", "no:asyncio", "test_replayed.py")
    assert "1 passed" in run(project, *quiet).stdout
    change(project, "return sorted(rows)[:keep]", "return sorted(rows)[: keep - 1]")
    assert run(project, *quiet).stdout.count("returns something else than its target") >= 3


FREEZE = """
import station
from pytest_prefectx.replay import freeze
freeze(station.report, {"days": 2}, "frozen", update=True)
"""


def test_frozen_calls_are_tests_in_every_mode_that_need_nothing_of_the_run(project: Path) -> None:
    assert run(project, "-c", FREEZE).returncode == 0
    for kept in ("working", ".prefectx"):
        (project / kept).rename(project / f"{kept}-away")
    quiet = ("-m", "pytest", *QUICK, "-q", "-p", "no:asyncio", "frozen")
    ended = run(project, *quiet)
    assert "6 passed" in ended.stdout, ended.stdout
    change(project, "return sorted(rows)[:keep]", "return sorted(rows)[:keep][::-1]")
    ended = run(project, *quiet)
    assert "2 failed, 4 passed" in ended.stdout
    assert "returns another result than the frozen one at result[0]" in ended.stdout


def test_freezing_replaces_only_what_it_has_written_itself(project: Path) -> None:
    (project / "frozen").mkdir()
    (project / "frozen" / "mine.txt").write_text("mine")
    ended = run(project, "-c", FREEZE)
    assert "FileExistsError" in ended.stderr
    assert (project / "frozen" / "mine.txt").exists()


@task
def double(x: int) -> int:
    return 2 * x


@task
def add(x: int, y: int) -> int:
    return x + y


@task(target=None)
def now() -> int:
    return 1


@flow
def both(x: int) -> int:
    return load(add(double(x), double(x + 1)))


@flow
def both_and_more(x: int) -> int:
    more = double(x + 2)
    return load(add(add(double(x), double(x + 1)), more))


@flow
def turned(x: int) -> int:
    second = double(x + 1)
    return load(add(double(x), second))


@flow
def fewer(x: int) -> int:
    return load(double(x))


@pytest.fixture
def history(tmp_target: Targets) -> History:
    with use_mode("cache"):
        both(1)
    return History.of(both, 1)


def test_a_history_lists_the_calls_and_runs_no_task(history: History, tmp_target: Targets) -> None:
    assert [call.task.rpartition(".")[2] for call in history] == ["double", "double", "add"]
    assert tmp_target.runs["double"] == 2
    history.check(History.of(both, 1))


def test_a_history_is_written_and_read(history: History, tmp_target: Targets) -> None:
    history.write(tmp_target.path / "calls.jsonl")
    assert History.read(tmp_target.path / "calls.jsonl") == history


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (both_and_more, "double -> .* is new, before"),
        (turned, "comes before .*double -> "),
        (fewer, "is gone"),
    ],
)
def test_a_history_names_the_first_call_that_differs(
    history: History, changed: object, told: str
) -> None:
    with pytest.raises(CallsDiffer, match=told):
        history.check(History.of(changed, 1))  # type: ignore[arg-type]


def test_a_history_ends_where_data_that_does_not_exist_is_needed(tmp_target: Targets) -> None:
    assert len(History.of(both, 5)) == 3
    assert tmp_target.runs == {}


def test_the_fixture_compares_with_a_file_and_writes_it_when_told(project: Path) -> None:
    call = "prefectx_history('calls.jsonl', station.report)"
    test = f"import station\ndef test_calls(prefectx_history):\n    {call}\n"
    (project / "test_calls.py").write_text(test)
    quiet = ("-m", "pytest", *QUICK, "-q", "-p", "no:asyncio", "test_calls.py")
    assert "--prefectx-update" in run(project, *quiet).stdout
    assert "1 passed" in run(project, *quiet, "--prefectx-update").stdout
    assert "1 passed" in run(project, *quiet).stdout
    change(project, "clean(read(str(day)))", "clean(read(str(day)), keep=1)")
    assert "call 2: station.clean -> " in run(project, *quiet).stdout
