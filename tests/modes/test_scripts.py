"""Classes that a script defines, in tasks that run in other processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from patience import PATIENCE

from prefectx import item
from prefectx.records import record_of

if TYPE_CHECKING:
    from pytest_prefectx.server.client import PrefectServer

pytestmark = pytest.mark.prefectx("prefect.skip")

SCRIPT = """
import enum
import sys
import warnings
from dataclasses import dataclass
from prefectx import flow, get_run_logger, load, logs, task
from prefectx.errors import StaleTarget

warnings.simplefilter("error", StaleTarget)

class Kind(enum.Enum):
    ROUND = 1

@dataclass
class Point:
    x: int
    kind: Kind = Kind.ROUND

def moved(point):
    return Point(point.x + 1)

@task
def make(x):
    get_run_logger().warning("made")
    return Point(x)

@task
def shift(point):
    assert type(point) is Point and point.kind is Kind.ROUND
    return moved(point)

@task
def compare(left, right):
    # It names no class of the script.
    return left == right, left

def runner():
    if sys.argv[1] == "pool":
        from prefect.task_runners import ProcessPoolTaskRunner
        return {"task_runner": ProcessPoolTaskRunner(max_workers=1)}
    if sys.argv[1] == "dask":
        from prefectx.dask import task_runner
        return {"task_runner": task_runner(n_workers=1, threads_per_worker=1)}
    return {}

if __name__ == "__main__":
    logs.setup(["script"])
    @flow(**runner())
    def main():
        made = make.submit(1)
        points = [shift.submit(made), shift.submit(Point(2))]
        same, point = load(compare.submit(Point(1), made))
        assert same and all(type(found) is Point for found in [point, *load(points)])
        print(load(points), point.kind is Kind.ROUND)
    main()
"""
LINE = SCRIPT[: SCRIPT.index('warning("made")')].count("\n") + 1
SAID = "[Point(x=2, kind=<Kind.ROUND: 1>), Point(x=3, kind=<Kind.ROUND: 1>)] True\n"


def run(mode: str, runner: str) -> str:
    """Run the script in the current folder; an outdated target is an error. Return its report."""
    Path("script.py").write_text(dedent(SCRIPT))
    command = [sys.executable, "script.py", runner]
    environment = {**os.environ, "PREFECTX": mode, "PREFECT_LOGGING_LEVEL": "WARNING"}
    environment["PREFECTX_SUMMARY"] = "on"
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (done.returncode, done.stdout) == (0, SAID), done.stderr
    return done.stderr


def test_what_a_process_makes_of_a_scripts_classes_is_what_the_script_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: PrefectServer
) -> None:
    """The same objects in the same targets, which a mode without processes finds up to date."""
    monkeypatch.chdir(tmp_path)
    run("prefect.skip", "pool")
    report = run("cache", "none")
    assert report.count(" 0 ran") == 3, report


@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["prefect.skip", "prefect.cache"])
def test_so_does_a_worker_of_dask_which_finds_what_the_script_has_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, prefect_server: PrefectServer
) -> None:
    monkeypatch.chdir(tmp_path)
    run("cache", "none")
    run(mode, "dask")
    (tmp_path / "working").rename(tmp_path / "gone")
    # The lines of the log and the records name the script, not what cloudpickle makes of it.
    assert f"script.py:{LINE} - made" in run(mode, "dask")
    record = record_of(item("working/make/1"))
    assert record is not None
    assert str(record.file).endswith("script.py")
    assert run("cache", "none").count(" 0 ran") == 3
