"""The table of promises in docs/guides/stores.md names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_each_promise_of_a_store_is_backed_by_a_test() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/guides/stores.md").read_text()))
    files = [*(ROOT / "tests" / "stores").rglob("*.py"), *(ROOT / "pytest_prefectx").rglob("*.py")]
    there = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
    assert len(named) >= 15
    assert named <= there
