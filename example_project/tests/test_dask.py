"""`python -m example_project --runner dask`, as a person runs it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from test_cli import run

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

DAYS = ("--days", "3")
ON_DASK = (*DAYS, "--runner", "dask", "--workers", "2")
CALLS = 1 + 1 + 3 + 4 * 9 + 1 + 1
PATIENCE = 120

pytest.importorskip("prefect_dask", reason="needs prefectx[dask]")


def processes(folder: Path) -> list[int]:
    """Return the processes that have made targets in a folder: each has its own file in the journal."""
    return [int(path.stem.split("-")[-2]) for path in folder.glob(".prefectx/journal/*.jsonl")]


@pytest.fixture
def killed(tmp_path: Path) -> Generator[list[int]]:
    """Kill the first process that has made a target as soon as it has; give its id in a list."""
    pids: list[int] = []
    over = Event()

    def kill() -> None:
        deadline = time.monotonic() + PATIENCE
        while not (found := processes(tmp_path / "there")) and time.monotonic() < deadline:
            over.wait(0.01)
        for pid in found[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                pids.append(pid)

    thread = Thread(target=kill)
    thread.start()
    yield pids
    over.set()
    thread.join()


@pytest.mark.prefectx("prefect.cache")
def test_workers_make_the_same_year(prefectx_mode: str, tmp_path: Path) -> None:
    """As this process does by itself, and what is there already they skip."""
    here = run(*DAYS, "--folder", str(tmp_path / "here"), mode="cache", folder=tmp_path)
    there = tmp_path / "there"
    cold = run(*ON_DASK, "--folder", str(there), mode=prefectx_mode, folder=tmp_path)
    assert cold.year == here.year
    assert cold.counts()["all"] == (CALLS, CALLS, 0)
    warm = run(*ON_DASK, "--folder", str(there), mode=prefectx_mode, folder=tmp_path)
    assert warm.year == here.year
    assert warm.counts()["all"] == (CALLS, 0, CALLS)


@pytest.mark.prefectx("prefect.skip")
def test_a_killed_worker_changes_nothing(prefectx_mode: str, killed: list[int], tmp_path: Path) -> None:
    """The others, and the one that takes its place, make what is missing, and nothing else."""
    there = tmp_path / "there"
    output = run(*ON_DASK, "--folder", str(there), mode=prefectx_mode, folder=tmp_path)
    assert killed
    assert {*processes(there)} - {*killed}
    calls, ran, _ = output.counts()["all"]
    assert calls == CALLS
    # What the worker had kept but not yet told when it died is not made again.
    assert CALLS - 1 <= ran <= CALLS
    here = run(*DAYS, "--folder", str(tmp_path / "here"), mode="cache", folder=tmp_path)
    assert output.year == here.year


def test_plain_modes_refuse_a_cluster(tmp_path: Path) -> None:
    """They run no task anywhere else."""
    with pytest.raises(RuntimeError, match="needs Prefect, which the mode cache does without"):
        run(*ON_DASK, mode="cache", folder=tmp_path)
