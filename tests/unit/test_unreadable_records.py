"""Records that cannot be read: they are none, whoever asks for them, and whatever they hold."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import flow, item, load, task
from prefectx.errors import CorruptTarget, StaleTarget
from prefectx.records import record_of
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from pytest_prefectx import TargetStore

pytestmark = pytest.mark.prefectx("cache")

TARGET = "working/double/2"
SOUND = {
    "task": "double",
    "call": "double(x=2)",
    "made": "2026-01-01T00:00:00.000+00:00",
    "seconds": 0.1,
    "python": "3.11",
    "code": "0123",
}
TEXTS = {
    "nothing": "",
    "no JSON": "{",
    "nested 3,000 deep": '{"task": ' + "[" * 3000 + "]" * 3000 + "}",
    "a list": "[1]",
    "a number": "7",
    "of another version": json.dumps({"maker": "double", "at": 3}),
    "half of it": json.dumps({"task": "double"}),
    "10 MB": json.dumps({**SOUND, "call": "x" * 10_000_000}),
    "an object for a name": json.dumps({**SOUND, "task": {"a": 1}}),
    "a number for a call": json.dumps({**SOUND, "call": 3}),
    "a list for code": json.dumps({**SOUND, "code": ["a"]}),
    "null for a time": json.dumps({**SOUND, "made": None}),
    "text for seconds": json.dumps({**SOUND, "seconds": "0.1"}),
    "a number for inputs": json.dumps({**SOUND, "inputs": 7}),
    "text for complete": json.dumps({**SOUND, "complete": "no"}),
    "bytes that are no text": "\ufffd\x00\x01",
}


@task(target="working/{funcname}/{x}", rerun_on={"code", "inputs"})
def double(x: int) -> int:
    return 2 * x


@pytest.fixture(params=[*TEXTS.values()], ids=[*TEXTS])
def unreadable(request: pytest.FixtureRequest, tmp_target: TargetStore) -> None:
    """A target whose record cannot be read."""
    double(2)
    Filestore().save_record(TARGET, request.param)


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize("rerun_on", [set[str](), {"code", "inputs"}], ids=str)
def test_a_hit_is_a_hit(rerun_on: Any, tmp_target: TargetStore) -> None:
    @flow
    def doubles() -> object:
        return double.with_options(rerun_on=rerun_on)(2)

    no_record = pytest.warns(StaleTarget, match="has no record")
    with no_record if rerun_on else nullcontext():
        assert load(doubles()) == 4
    assert tmp_target.runs == {"double": 1}


@pytest.mark.usefixtures("unreadable")
def test_there_is_no_record() -> None:
    assert record_of(item(TARGET)) is None


@pytest.mark.usefixtures("unreadable")
def test_a_corrupt_target_is_told_to_be_corrupt() -> None:
    Path(TARGET).write_bytes(b"nonsense")
    with pytest.raises(CorruptTarget, match=f"target '{TARGET}' cannot be read"):
        item(TARGET).load()


@pytest.mark.parametrize("kind", ["folder", "link to itself", "pipe"])
def test_what_is_no_file_is_no_record(kind: str, tmp_target: TargetStore) -> None:
    load(double(2))
    Path(TARGET).write_bytes(Path(TARGET).read_bytes())
    record = Path(".prefectx/records", f"{TARGET}.json")
    record.unlink(missing_ok=True)
    record.parent.mkdir(parents=True, exist_ok=True)
    if kind == "folder":
        record.mkdir()
    elif kind == "link to itself":
        record.symlink_to(record.name)
    else:
        os.mkfifo(record)

    @flow
    def again() -> object:
        return double(2)

    with pytest.warns(StaleTarget, match="has no record"):
        assert load(again()) == 4
    assert tmp_target.runs == {"double": 1}


class Forgetful(Filestore):
    """Fails when it is asked for records."""

    def load_record(self, target: str) -> str | None:
        raise LookupError(target)


@pytest.mark.usefixtures("tmp_target")
def test_a_store_that_fails_to_give_records_hides_no_corrupt_target() -> None:
    Filestore().replace_content("a", b"nonsense")
    with pytest.raises(CorruptTarget, match="target 'a' cannot be read"):
        Forgetful().load("a")
