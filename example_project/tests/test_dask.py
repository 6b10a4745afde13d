"""`python -m example_project --runner dask`, as a person runs it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from test_cli import run, work, year

from example_project.ledger import SHARED_FILE

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

DAYS = ("--days", "3")
ON_DASK = (*DAYS, "--runner", "dask", "--workers", "2")
CALLS = 1 + 1 + 3 + 4 * 9 + 1 + 1
PATIENCE = 120

pytest.importorskip("prefect_dask", reason="needs prefectx[dask]")


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a file in which all processes of the command line note the runs of tasks."""
    file = tmp_path / "ledger"
    file.touch()
    monkeypatch.setenv(SHARED_FILE, str(file))
    return file


@pytest.fixture
def killed(ledger: Path) -> Generator[list[int]]:
    """Kill the first process that has run a task as soon as it has; give its id in a list."""
    pids: list[int] = []
    over = Event()

    def kill() -> None:
        deadline = time.monotonic() + PATIENCE
        while not (lines := ledger.read_text().splitlines()) and time.monotonic() < deadline:
            over.wait(0.01)
        for pid in [int(line.split()[0]) for line in lines[:1]]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                pids.append(pid)

    thread = Thread(target=kill)
    thread.start()
    yield pids
    over.set()
    thread.join()


@pytest.mark.prefectx("prefect.skip", "prefect.cache")
def test_workers_make_the_same_year(prefectx_mode: str, ledger: Path, tmp_path: Path) -> None:
    """As this process does by itself, and what is there already they skip."""
    here = run(*DAYS, "--folder", str(tmp_path / "here"), mode="cache", folder=tmp_path)
    ledger.write_text("")
    there = tmp_path / "there"
    cold = run(*ON_DASK, "--folder", str(there), mode=prefectx_mode, folder=tmp_path)
    assert year(cold) == year(here)
    assert work(cold)["all"] == (CALLS, CALLS, 0)
    ledger.write_text("")
    warm = run(*ON_DASK, "--folder", str(there), mode=prefectx_mode, folder=tmp_path)
    assert year(warm) == year(here)
    assert work(warm)["all"] == (CALLS, 0, CALLS)


@pytest.mark.prefectx("prefect.skip", "prefect.cache")
def test_a_killed_worker_changes_nothing(
    prefectx_mode: str, killed: list[int], ledger: Path, tmp_path: Path
) -> None:
    """The others, and the one that takes its place, make what is missing, and nothing else."""
    there = tmp_path / "there"
    output = run(*ON_DASK, "--folder", str(there), mode=prefectx_mode, folder=tmp_path)
    assert killed
    alive = {int(line.split()[0]) for line in ledger.read_text().splitlines()} - {*killed}
    assert alive
    # What the worker had finished but not yet kept when it died is made again.
    assert 0 <= work(output)["all"][1] - CALLS <= 1
    here = run(*DAYS, "--folder", str(tmp_path / "here"), mode="cache", folder=tmp_path)
    assert year(output) == year(here)


def test_plain_modes_refuse_a_cluster(tmp_path: Path) -> None:
    """They run no task anywhere else."""
    with pytest.raises(RuntimeError, match="needs Prefect, which the mode cache does without"):
        run(*ON_DASK, mode="cache", folder=tmp_path)
