"""`python -m example_project`, as a person runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*arguments: str, mode: str | None = None, folder: Path) -> str:
    """Run the command line in `folder` and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PREFECTX"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *sys.path[1:]])
    if mode is not None:
        environment["PREFECTX"] = mode
    done = subprocess.run(
        [sys.executable, "-m", "example_project", *arguments],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def work(output: str) -> dict[str, tuple[int, int, int]]:
    """Return calls, runs and skips of each task from the closing table."""
    table = output.partition("What was done")[2]
    rows = re.findall(r"^ *(\w+) +(\d+) +(\d+) +(\d+) ", table, re.MULTILINE)
    return {task: (int(calls), int(ran), int(skipped)) for task, calls, ran, skipped in rows}


def year(output: str) -> str:
    """Return what was printed before the closing table."""
    return output.partition("What was done")[0]


def test_the_default_mode_is_cache(tmp_path: Path) -> None:
    """A first run does everything, a second nothing, a third just what was deleted."""
    first = run("--days", "2", folder=tmp_path)
    assert "mode cache" in first
    assert work(first)["all"] == (31, 31, 0)
    second = run("--days", "2", folder=tmp_path)
    assert work(second)["all"] == (31, 0, 31)
    (tmp_path / "working/join_weather/2013-01-02-LGA").unlink()
    third = run("--days", "2", folder=tmp_path)
    assert work(third)["join_weather"] == (6, 1, 5)
    assert work(third)["all"] == (31, 1, 30)
    assert year(first) == year(second) == year(third)


def test_function_mode_keeps_only_the_picture(tmp_path: Path) -> None:
    """And prints the same year."""
    here, there = tmp_path / "function", tmp_path / "cache"
    plain = run("--days", "2", "--folder", str(here), mode="function", folder=tmp_path)
    cached = run("--days", "2", "--folder", str(there), mode="cache", folder=tmp_path)
    assert year(plain) == year(cached)
    assert [path.name for path in here.rglob("*") if path.is_file()] == ["delay-2.png"]


def test_a_misspelt_mode_is_refused(tmp_path: Path) -> None:
    """With the modes there are."""
    with pytest.raises(RuntimeError, match=r"unknown mode 'cach'.*Did you mean 'cache'"):
        run("--days", "1", mode="cach", folder=tmp_path)
