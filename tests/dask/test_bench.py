"""A short run of the benchmark of Dask, on a few tasks; its figures are not for tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

BENCHMARK: Final = Path(__file__).parents[2] / "benchmarks" / "dask"


@pytest.mark.nightly
def test_benchmark_runs_a_few_tasks(tmp_path: Path) -> None:
    """Of its tables the one whose figures are no matter of time or memory."""
    told = tmp_path / "DASK.md"
    command = [sys.executable, str(BENCHMARK), "--small", "--only", "finished"]
    done = subprocess.run(
        [*command, "--write", str(told)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    tables = told.read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in row.split("|")] for row in tables.splitlines()]
    assert ["", "task runs", "4", "100", "0", "", ""] in rows
    assert ["", "tasks sent", "4", "100", "1", "", ""] in rows
    assert ["", "summary lines", "", "", "1", "reached", ""] in rows
