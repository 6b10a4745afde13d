"""What docs/guides promise of stores and of faults names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def named_in(page: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", (ROOT / "docs/guides" / page).read_text()))


def names_of_tests(*folders: str) -> set[str]:
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    return {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}


def test_each_promise_of_a_store_is_backed_by_a_test() -> None:
    named = named_in("stores.md")
    assert len(named) >= 15
    assert named <= names_of_tests("tests/stores", "pytest_prefectx")


def test_each_promise_of_what_survives_a_fault_is_backed_by_a_test() -> None:
    named = named_in("faults.md")
    assert len(named) >= 30
    assert named <= names_of_tests("tests")


KINDS = ("plain", "store=None", "once=True", "rerun_on", "isolate=True", "Dask", "SQLStore", "URL")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_task_has_promises_each_with_a_test(kind: str) -> None:
    page = (ROOT / "docs/guides/faults.md").read_text()
    table = page.partition("| kind of task |")[2].partition("\n\n")[0]
    rows = [row.split(" | ") for row in table.splitlines()[2:]]
    assert any(kind in row[0] for row in rows)
    assert all("`test_" in row[-1] for row in rows)
