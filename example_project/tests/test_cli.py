"""`python -m example_project`, as a person runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]


class Output(NamedTuple):
    """What a run of the command line printed: the year, and what the run did."""

    year: str
    work: str

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Return calls, runs and skips of each task, and of all."""
        rows = re.findall(r"^ *(\w+) +(\d+) calls? +(\d+) ran +(\d+) skipped", self.work, re.MULTILINE)
        counts = {task: (int(calls), int(ran), int(skipped)) for task, calls, ran, skipped in rows}
        calls, ran, skipped = map(sum, zip(*counts.values(), strict=True))
        return counts | {"all": (calls, ran, skipped)}


def command() -> list[str]:
    """Return the command line without arguments."""
    return [sys.executable, "-m", "example_project"]


def environment(mode: str | None) -> dict[str, str]:
    """Return the variables of a person who sets nothing but the mode."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PREFECTX")}
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), *sys.path[1:]])
    return variables if mode is None else variables | {"PREFECTX": mode}


def run(*arguments: str, mode: str | None = None, folder: Path) -> Output:
    """Run the command line in `folder` and return what it printed."""
    done = subprocess.run(
        [*command(), *arguments],
        cwd=folder,
        env=environment(mode),
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Output(done.stdout.rpartition("mode ")[0], done.stderr)


def test_the_default_mode_is_cache(tmp_path: Path) -> None:
    """A first run does everything, a second nothing, a third just what was deleted."""
    first = run("--days", "2", folder=tmp_path)
    assert "(mode cache)" in first.work
    assert first.counts()["all"] == (31, 31, 0)
    second = run("--days", "2", folder=tmp_path)
    assert second.counts()["all"] == (31, 0, 31)
    (tmp_path / "working/join_weather/2013-01-02-LGA").unlink()
    third = run("--days", "2", folder=tmp_path)
    assert third.counts()["join_weather"] == (6, 1, 5)
    assert third.counts()["all"] == (31, 1, 30)
    assert first.year == second.year == third.year


def test_function_mode_keeps_only_the_picture(tmp_path: Path) -> None:
    """And prints the same year."""
    here, there = tmp_path / "function", tmp_path / "cache"
    plain = run("--days", "2", "--folder", str(here), mode="function", folder=tmp_path)
    cached = run("--days", "2", "--folder", str(there), mode="cache", folder=tmp_path)
    assert plain.year == cached.year
    assert [path.name for path in here.rglob("*") if path.is_file()] == ["delay-2.png"]


def test_a_misspelt_mode_is_refused(tmp_path: Path) -> None:
    """With the modes there are."""
    with pytest.raises(RuntimeError, match=r"unknown mode 'cach'.*Did you mean 'cache'"):
        run("--days", "1", mode="cach", folder=tmp_path)
