"""A small `make torture`: Filestore stands it, stores with a fault do not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE

HERE = Path(__file__).resolve().parent
TORTURE = HERE.parent.parent / "benchmarks" / "torture"

pytest.importorskip("numpy")

pytestmark = pytest.mark.nightly


def torture(kills: int, store: str) -> tuple[int, dict[str, int]]:
    """Run the driver; return its exit code and what it has counted."""
    ended = subprocess.run(
        [sys.executable, str(TORTURE), "--kills", str(kills), "--store", store],
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.stderr == ""
    line, *races = ended.stdout.splitlines()
    for race in races:
        assert "100 targets checked: 0 lost, 0 torn, 0 leftovers" in race
    assert len(races) == (0 if ended.returncode else 2)
    counts = re.findall(r"(\d+) (?:targets )?(\w+)", line)
    return ended.returncode, {what: int(number) for number, what in counts}


def test_killed_at_random_moments_it_loses_and_tears_nothing_and_leaves_nothing() -> None:
    code, counts = torture(15, "prefectx.stores:Filestore")
    assert counts.pop("checked") > 15
    assert counts == {"kills": 15, "lost": 0, "torn": 0, "leftovers": 0}
    assert code == 0


@pytest.mark.parametrize(
    ("store", "fault"), [("Tearing", "torn"), ("Losing", "lost"), ("Littering", "leftovers")]
)
def test_a_store_with_a_fault_is_found(store: str, fault: str) -> None:
    code, counts = torture(12, f"faulty:{store}")
    assert counts[fault] > 0
    assert code == 1
