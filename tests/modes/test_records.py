"""Records of outputs and failures, and the journal of all of them."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import flow, load, task
from prefectx.records import record_of
from prefectx.stores import journal

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [
    pytest.mark.prefectx("cache", "prefect.skip", "prefect.cache"),
    pytest.mark.usefixtures("tmp_target"),
]


@task
def fetch(name: str, page: int = 1) -> str:
    return name * page


@task
def count(text: str, among: list[str]) -> int:
    return len(text) + len(among)


@task(target="out/{funcname}.json", isolate=True)
def apart(number: int) -> int:
    return number


@task
def broken(text: str) -> int:
    raise ValueError(text)


@flow
def counted() -> int:
    text = fetch("a", page=2)
    return count(text, [text, fetch("b")])


def entries(targets: Targets) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in journal.lines(str(targets.path))]
    # The others are about runs of flows.
    return [entry for entry in found if "target" in entry]


def test_a_record_says_by_whom_from_what_and_how_large(tmp_target: Targets) -> None:
    item = fetch("a", page=2)
    record = record_of(fetch.item("a", page=2))
    assert load(item) == "aa"
    assert record is not None
    assert record.args == {"name": "'a'", "page": "2"}
    assert record.host == os.uname().nodename
    assert record.by
    assert record.upstream == []
    (entry,) = entries(tmp_target)
    assert entry["target"] == fetch.item("a", page=2).target
    assert entry["bytes"] == (tmp_target.path / entry["target"]).stat().st_size


def test_a_record_names_the_targets_that_its_output_was_made_from(tmp_target: Targets) -> None:
    counted()
    (made,) = [entry for entry in entries(tmp_target) if entry["task"].endswith(".count")]
    first, second = fetch.item("a", page=2).target, fetch.item("b").target
    assert set(made["upstream"]) == {first, second}
    assert made["args"]["text"]["target"] == first


def test_a_table_s_rows_columns_and_types_are_recorded() -> None:
    pandas = pytest.importorskip("pandas")

    @task
    def table(rows: int) -> object:
        return pandas.DataFrame({"a": range(rows), "b": [0.5] * rows})

    table(3)
    record = record_of(table.item(3))
    assert record is not None
    dtypes = {"a": "int64", "b": "float64"}
    assert record.shape == {"rows": 3, "columns": 2, "dtypes": dtypes}


def test_a_failure_leaves_a_record_with_its_arguments_and_traceback(tmp_target: Targets) -> None:
    with pytest.raises(ValueError, match="no such thing"):
        broken("no such thing")
    (entry,) = entries(tmp_target)
    assert entry["failed"] == "ValueError: no such thing"
    assert entry["args"] == {"text": "'no such thing'"}
    assert "in broken" in entry["traceback"]
    assert tmp_target.items() == []


@pytest.mark.nightly("prefect.cache")
def test_what_runs_in_a_child_process_is_noted_by_its_parent(tmp_target: Targets) -> None:
    apart(3)
    (entry,) = entries(tmp_target)
    assert (entry["target"], entry["args"]) == ("out/apart.json", {"number": "3"})
    assert len(journal.files(str(tmp_target.path))) == 1


def test_the_journal_goes_on_after_its_folder_was_removed(tmp_target: Targets) -> None:
    fetch("a")
    shutil.rmtree(tmp_target.path / ".prefectx")
    fetch("b")
    assert [entry["args"]["name"] for entry in entries(tmp_target)] == ["'b'"]


def test_without_a_journal_each_target_counts_as_before(tmp_target: Targets) -> None:
    fetch("a")
    shutil.rmtree(tmp_target.path / ".prefectx")
    fetch("a")
    assert tmp_target.runs == {"fetch": 1}
