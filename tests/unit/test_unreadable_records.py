"""Records that cannot be read: they are none, whoever asks for them, and whatever they hold."""

from __future__ import annotations

import json
import os
import resource
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import flow, item, load, task
from prefectx.cli import main
from prefectx.errors import CorruptTarget, StaleTarget
from prefectx.records import record_of
from prefectx.stores import Filestore, SQLStore
from prefectx.stores.folders.base import MARK, NOTE
from prefectx.stores.record import write as save_record

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
    "nothing but NUL": "\x00" * 50,
    "no time": json.dumps({**SOUND, "made": "soon"}),
    "a time of no zone": json.dumps({**SOUND, "made": "2026-01-01T00:00:00"}),
    "seconds without end": json.dumps({**SOUND, "seconds": float("inf")}),
    "a number of 5,000 digits": json.dumps({**SOUND, "bytes": 0})[:-2] + "9" * 5_000 + "}",
    "a number for a file": json.dumps({**SOUND, "files": {"a": 1}}),
    "a list for files": json.dumps({**SOUND, "files": [["a"]]}),
    "text for a size": json.dumps({**SOUND, "bytes": "7"}),
    "a number for upstream": json.dumps({**SOUND, "upstream": 3}),
    "a number among upstream": json.dumps({**SOUND, "upstream": [3]}),
    "an argument of no kind": json.dumps({**SOUND, "args": {"x": {}}}),
    "a target that is a number": json.dumps({**SOUND, "args": {"x": {"target": 1, "root": "."}}}),
    "a list for an argument's code": json.dumps({**SOUND, "args_code": {"x": ["a"]}}),
    "text for a shape": json.dumps({**SOUND, "shape": "3 x 3"}),
    "a shape of no kind": json.dumps({**SOUND, "shape": {"rows": 3}}),
    "a number for an error": json.dumps({**SOUND, "failed": 3}),
}


@task(target="working/{funcname}/{x}", rerun_on={"code", "inputs"}, expires=timedelta(days=1))
def double(x: int) -> int:
    return 2 * x


@pytest.fixture(params=[*TEXTS.values()], ids=[*TEXTS])
def unreadable(request: pytest.FixtureRequest, tmp_target: TargetStore) -> None:
    """A target whose record cannot be read."""
    double(2)
    Filestore().save_record(TARGET, request.param)


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize(
    "rerun_on", [set[str](), {"code", "inputs"}, {"expired"}], ids=["none", "some", "expired"]
)
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


@pytest.mark.usefixtures("unreadable")
def test_no_command_fails_on_one_beside_its_target(capsys: pytest.CaptureFixture[str]) -> None:
    for file in Path(".prefectx/journal").iterdir():
        file.unlink()
    see_commands(capsys)


def test_no_command_fails_on_one_in_the_journal(
    tmp_target: TargetStore, capsys: pytest.CaptureFixture[str]
) -> None:
    double(2)
    journal = Path(".prefectx/journal")
    (journal / "folder.jsonl").mkdir()
    (journal / "link.jsonl").symlink_to("link.jsonl")
    os.mkfifo(journal / "pipe.jsonl")
    with (journal / "other.jsonl").open("wb") as file:
        # Half a line of a process that was killed, which another one goes on in.
        file.write(b'{"target": "work')
        for kind, text in TEXTS.items():
            if kind == "10 MB":
                # Lines of failed calls may be long.
                continue
            named = text.replace('{"task"', f'{{"target": "{TARGET}", "task"', 1)
            file.write(named.replace("2026-01-01", "2099-01-01").encode() + b"\n")
        file.write(b"\xff\xfe\n")
    see_commands(capsys)
    assert main(["show", TARGET, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["args"] == {"x": "2"}


@pytest.mark.usefixtures("tmp_target")
def test_a_line_about_a_run_that_says_no_time_fails_no_command() -> None:
    double(2)
    timed = '{"flow": "c:d", "made": "2026-01-01T00:00:00.000+00:00"}'
    Path(".prefectx/journal/other.jsonl").write_text(f'{{"flow": "a:b"}}\n{timed}\n')
    assert main(["status", "nothing"]) in {0, 1}


def see_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """See that each command knows the target, and fails on nothing."""
    show = ["show", TARGET], ["why", TARGET], ["ls", "--json"], ["status", "--json"]
    for command in ([*show[0], "--json"], ["ls"], ["status"], *show, ["rm", TARGET, "--dry-run"]):
        assert main(command) in {0, 1}, command
        printed = capsys.readouterr().out
        assert TARGET in printed or command[0] == "status"
        if "--json" in command:
            json.loads(printed, parse_constant=pytest.fail)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_they_are_none_in_a_database_either(text: str, tmp_target: TargetStore) -> None:
    store = SQLStore("sqlite:///records.db")
    kept = double.with_options(store=store, rerun_on=set())
    kept(2)
    store.save_record(TARGET, text)
    assert load(kept(2)) == 4
    assert record_of(kept.item(2)) is None
    assert tmp_target.runs == {"double": 1}


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="no extended attributes here")
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"\x00" * 9, b"unfinished", b"x" * 900])
def test_what_another_program_has_noted_with_a_file_is_no_record(
    content: bytes, tmp_target: TargetStore
) -> None:
    plain = double.with_options(rerun_on=set())
    plain(2)
    for name in (MARK, NOTE):
        os.setxattr(TARGET, name, content)
    assert load(plain(2)) == 4
    assert record_of(item(TARGET)) is None
    assert tmp_target.runs == {"double": 1}


@pytest.mark.parametrize("kind", ["rerun_on", "store=None"])
def test_what_is_not_read_for_want_of_descriptors_is_not_taken_for_no_record(
    kind: str, tmp_target: TargetStore
) -> None:
    """The record says that the output does not count: its maker was killed."""
    path = Path("working/written/2.txt")

    @task(target="working/{funcname}/{x}.txt", store=None)
    def written(x: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(x))
        return path

    made: Any = double if kind == "rerun_on" else written
    found = made(2)
    record = record_of(found)
    assert record is not None
    save_record(Filestore(), found.target, record._replace(complete=False))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            made(2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        os.close(free)
    made(2)
    assert tmp_target.runs == {made.name: 2}


class Forgetful(Filestore):
    """Fails when it is asked for records."""

    def load_record(self, target: str) -> str | None:
        raise LookupError(target)


@pytest.mark.usefixtures("tmp_target")
def test_a_store_that_fails_to_give_records_hides_no_corrupt_target() -> None:
    Filestore().replace_content("a", b"nonsense")
    with pytest.raises(CorruptTarget, match="target 'a' cannot be read"):
        Forgetful().load("a")
