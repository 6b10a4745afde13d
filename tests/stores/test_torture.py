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


COUNTS = ("tried", "lost", "torn", "wrong", "left")


def torture(kills: int, store: str) -> tuple[int, dict[str, dict[str, int]]]:
    """Run the driver; return its exit code and what it has counted, by attack."""
    ended = subprocess.run(
        [sys.executable, str(TORTURE), "--kills", str(kills), "--store", store],
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.stderr == ""
    head, _, *rows = ended.stdout.splitlines()
    assert head == "| attack | tried | lost | torn | wrong | left behind |"
    found = {}
    for row in rows:
        attack, *counts = re.split(r" ?\| ?", row)[1:-1]
        numbers = (int(count.replace(",", "")) for count in counts)
        found[attack] = dict(zip(COUNTS, numbers, strict=True))
    return ended.returncode, found


def test_under_all_attacks_nothing_is_lost_torn_wrong_or_left_behind() -> None:
    code, found = torture(15, "prefectx.stores:Filestore")
    assert len(found) == 8
    for attack, counts in found.items():
        assert counts.pop("tried") > 15, attack
        assert set(counts.values()) == {0}, (attack, counts)
    assert code == 0


@pytest.mark.parametrize(
    ("store", "fault"), [("Tearing", "torn"), ("Losing", "lost"), ("Littering", "left")]
)
def test_a_store_with_a_fault_is_found(store: str, fault: str) -> None:
    code, found = torture(12, f"faulty:{store}")
    [counts] = found.values()
    assert counts[fault] > 0
    assert code == 1
