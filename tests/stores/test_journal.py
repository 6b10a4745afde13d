"""The journal is compacted at leisure, and no line that anyone writes meanwhile is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from prefectx.cli import main
from prefectx.stores import compaction, journal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.prefectx("cache")


def line(target: str, day: str = "9", **fields: object) -> str:
    return json.dumps({"target": target, "task": "words.fetch", "made": made_on(day), **fields})


def made_on(day: str) -> str:
    return f"2026-01-0{day}T00:00:00.000+00:00"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ".prefectx" / "journal"
    made.mkdir(parents=True)
    return made


def write_old(folder: Path, name: str, *lines: str, rest: str = "") -> Path:
    file = folder / f"{name}.jsonl"
    file.write_text("".join(f"{each}\n" for each in lines) + rest)
    os.utime(file, (1, 1))
    return file


def targets(root: Path) -> list[str]:
    return sorted(json.loads(each)["target"] for each in journal.lines(str(root)))


def test_the_last_line_of_each_target_is_kept(tmp_path: Path, folder: Path) -> None:
    write_old(folder, "one", line("a", "1"), line("b", "5"), line("a", "3"), rest="cut off")
    write_old(folder, "two", line("a", "2"), line("b", "4"), line("c", "1"), "no json")
    journal.append(str(tmp_path), line("d"))
    assert compaction.compact(str(tmp_path)) == 2
    found = [json.loads(each) for each in journal.lines(str(tmp_path))]
    assert {each["target"]: each["made"] for each in found} == {
        "a": made_on("3"),
        "b": made_on("5"),
        "c": made_on("1"),
        "d": made_on("9"),
    }
    assert len(found) == 4
    # What is left is compact already.
    assert compaction.compact(str(tmp_path)) == 0


def test_files_that_others_may_write_keep_their_owners(tmp_path: Path, folder: Path) -> None:
    write_old(folder, "one", line("a"))
    write_old(folder, "two", line("b"))
    shared = write_old(folder, "shared", line("c"))
    shared.chmod(0o666)
    assert compaction.compact(str(tmp_path)) == 2
    assert shared.exists()
    assert targets(tmp_path) == ["a", "b", "c"]


def test_a_line_that_a_full_disk_has_cut_hides_no_later_one(tmp_path: Path, folder: Path) -> None:
    """A limit of the file's size cuts lines as a full disk does."""
    code = """
        import resource, signal, sys
        from prefectx.stores import journal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        first, second, third, root = sys.argv[1:]
        journal.append(root, first)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(first) + 20, -1))
        journal.append(root, second)
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
        journal.append(root, third)
    """
    written = [line("a"), line("b"), line("c")]
    subprocess.run([sys.executable, "-c", dedent(code), *written, str(tmp_path)], check=True)
    assert any(not each.read_text().endswith("\n") for each in folder.iterdir())
    assert targets(tmp_path) == ["a", "c"]


@pytest.mark.parametrize(
    "bad",
    [
        '{"target": "bad", "task": 3}',
        '{"target": "bad"}, {"target": "bad"}',
        '[{"target": "bad"}]',
        '{"target": "bad", "args": [{}',
        '{}], "target": "bad"}',
        '{"target": "bad", "upstream": ["a", 3]}',
        '{"target": "bad", "made": "soon"}',
        "",
        "\udcff",
    ],
)
def test_a_line_that_is_no_record_hides_none_beside_it(
    bad: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines are read many at once, and each by itself where one of them is no record."""
    sound = line("a"), line("b", failed="KeyError"), line("c", upstream=["a"], seconds=3)
    content = "".join(f"{each}\n" for each in (sound[0], bad, *sound[1:]))
    (folder / "one.jsonl").write_bytes(content.encode("utf-8", "surrogateescape"))
    main(["ls", "--json", "--root", str(tmp_path)])
    found = json.loads(capsys.readouterr().out)
    assert [each["target"] for each in found] == ["a", "b", "c"]
    assert [each["failed"] for each in found] == [None, "KeyError", None]


def test_a_journal_of_many_lines_is_read_whole(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of more lines than are read at once has its own place."""
    lines = [line(f"t{number}", args={"n": f"{number}"}) for number in range(2000)]
    lines.insert(1000, "no record")
    (folder / "one.jsonl").write_text("\n".join(lines) + '\n{"target": "cut')
    main(["ls", "--json", "--root", str(tmp_path)])
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 2000
    assert all(each["parameters"]["n"] == each["target"][1:] for each in found)


def test_who_reads_meanwhile_finds_each_line(tmp_path: Path, folder: Path) -> None:
    for number in range(5):
        write_old(folder, str(number), line(f"target-{number}"), line(f"other-{number}"))
    reading = journal.lines(str(tmp_path))
    found = [next(reading)]
    assert compaction.compact(str(tmp_path)) == 5
    found += reading
    assert len({json.loads(each)["target"] for each in found}) == 10


WRITER = """
import json, sys
from prefectx.stores import journal
root, name = sys.argv[1:]
for number in range(4000):
    journal.append(root, json.dumps({"target": f"{name}-{number}", "made": "2026-01-01T00:00:00Z"}))
"""


def test_no_line_of_many_writers_is_lost(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Also files that are being written to.
    monkeypatch.setattr(compaction, "_QUIET", -60.0)
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, name]) for name in "abc"]
    compacted = 0
    while any(writer.poll() is None for writer in writers):
        compacted += compaction.compact(str(tmp_path))
    compacted += compaction.compact(str(tmp_path))
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert compacted > 0
    found = {json.loads(each)["target"] for each in journal.lines(str(tmp_path))}
    assert found == {f"{name}-{number}" for name in "abc" for number in range(4000)}


@pytest.mark.parametrize("command", ["status", "ls"])
def test_the_command_compacts_a_journal_with_twice_as_many_lines_as_targets(
    command: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_old(folder, "one", line("working/a", "1"), line("working/b", "1"))
    write_old(folder, "two", line("working/a", "2"), line("working/b", "2"))
    main([command, "--root", str(tmp_path)])
    assert len(targets(tmp_path)) == 4
    write_old(folder, "three", line("working/a", "3"))
    main([command, "--root", str(tmp_path), "--json"])
    assert "working/a" in capsys.readouterr().out or command == "status"
    assert targets(tmp_path) == ["working/a", "working/b"]
