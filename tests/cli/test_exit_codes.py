"""How the command ends: with an exit code that means what it says, and words for people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import count
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from prefectx.cli import main
from prefectx.stores import Filestore
from prefectx.stores.record import parsed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.prefectx("cache")

FLOWS = """
    from datetime import timedelta
    from pathlib import Path
    from random import random as number
    from prefectx import flow, task

    @task(target="working/{funcname}/{n}")
    def root_of(n: int) -> int:
        if n < 0:
            raise ValueError(f"{n} is negative")
        return n

    @task(target="out/today", expires=timedelta(days=1))
    def today() -> int:
        return 1

    @flow
    def day() -> int:
        return today()

    @task(target="out/total")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @flow
    def one(n: int = 4) -> int:
        return root_of(n)

    @flow
    def random() -> float:
        return number()

    @flow
    def divide() -> float:
        return 1 / 0

    @flow
    def read() -> int:
        return root_of(len(Path("in.txt").read_text()))

    @flow
    def long() -> int:
        return total([root_of(n) for n in range(150)])
"""

_numbers = count()


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with flows in the current folder, which no other test has imported."""
    name = f"flows_{next(_numbers)}"
    (tmp_path / f"{name}.py").write_text(dedent(FLOWS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return name


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    return lambda: capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("plan", "{}:divide"), "ZeroDivisionError: division by zero"),
        (("freeze", "{}:divide"), "ZeroDivisionError: division by zero"),
        (("replay", "{}:divide"), "ZeroDivisionError: division by zero"),
        (("plan", "{}:one", "-p", "m=1"), "unexpected keyword argument 'm'"),
        (("run", "{}:one", "--mode", "nonsense"), "prefectx: unknown mode 'nonsense'"),
        (("check", "{}:one", "--mode", "cache"), "prefectx: --mode cache is nothing to compare"),
        (("check", "{}:one", "--mode", "cache,nonsense"), "prefectx: unknown mode 'nonsense'"),
        (("run", "broken"), "SyntaxError: '(' was never closed"),
        (("run", "needing:flow"), "prefectx: 'needing' cannot be imported: No module named 'miss"),
        (("run", "nowhere:flow"), "prefectx: there is no module 'nowhere'"),
        (("show", "working/spoilt"), "prefectx: target 'working/spoilt' cannot be read"),
        (("run", "{}:one", "--refresh", "root_off"), "--refresh root_off: the flow has called no"),
    ],
)
def test_what_failed_or_was_used_wrongly_ends_with_2(
    command: tuple[str, ...], told: str, flows: str, tmp_path: Path, said: Callable[[], str]
) -> None:
    (tmp_path / "broken.py").write_text("def x(\n")
    (tmp_path / "needing.py").write_text("import missing_one\n")
    (tmp_path / "working").mkdir()
    (tmp_path / "working/spoilt").write_bytes(b"nonsense")
    assert main([word.format(flows) for word in command]) == 2
    errors = said()
    assert told in errors
    assert "/prefectx/" not in errors.replace("prefectx/working", "")


def test_a_flow_that_raises_in_every_mode_agrees_but_is_told_by_check(
    flows: str, said: Callable[[], str]
) -> None:
    assert main(["check", f"{flows}:one", "-p", "n=-1"]) == 2
    errors = said()
    assert "ValueError: -1 is negative" in errors
    assert "in a temporary folder" not in errors
    assert "prefectx: one failed" not in errors
    assert main(["check", f"{flows}:read"]) == 2
    assert "the flow ran in a temporary folder: name input files by their full path" in said()


def test_the_recorded_traceback_of_a_failure_shows_the_frames_of_the_user_only(
    flows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", f"{flows}:one", "-p", "n=-1"]) == 2
    capsys.readouterr()
    assert main(["show", "working/root_of/-1"]) == 2
    told = capsys.readouterr().out
    assert "in root_of" in told
    assert told.count('File "') == 1


@pytest.mark.usefixtures("flows")
def test_doctor_names_a_folder_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--root", "nowhere"]) == 1
    told = capsys.readouterr().out
    assert "nowhere does not exist" in told
    assert "cure: " in told


def test_accept_keeps_what_the_journal_alone_knows(
    flows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record with a file has no size, and no arguments if they are long."""
    main(["run", f"{flows}:long"])
    target = "out/total"
    record = parsed(Filestore().load_record(target) or "")
    assert record is not None
    assert record.args is None
    main(["accept", target, "--reason", "good"])
    capsys.readouterr()
    main(["show", target, "--json"])
    known = json.loads(capsys.readouterr().out)
    assert known["bytes"] > 0
    assert len(known["upstream"]) == 150
    assert "numbers" in known["args"]
    assert "good" in known["accepted"]


def test_each_view_of_a_failure_gives_json_too(
    flows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*command: str) -> Any:
        assert main([*command, "--json"]) == 2
        return json.loads(capsys.readouterr().out)

    ran = told("run", f"{flows}:one", "-p", "n=-1")
    assert ran["error"] == "ValueError: -1 is negative"
    (failure,) = ran["failures"]
    assert failure["call"] == f"{flows}.root_of(n=-1)"
    assert failure["command"] == "prefectx debug working/root_of/-1 --pdb"
    shown = told("show", "working/root_of/-1")
    assert (shown["failed"], shown["exists"]) == ("ValueError: -1 is negative", False)
    debugged = told("debug", "working/root_of/-1")
    assert debugged["call"] == f"{flows}.root_of(n=-1)"
    assert debugged["error"] == "ValueError: -1 is negative"
    checked = told("check", f"{flows}:random")
    assert checked["agree"] is False
    assert "random" in checked["difference"]


def test_json_of_an_output_that_cannot_be_read_has_its_record_and_the_error(
    flows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["run", f"{flows}:one"])
    (tmp_path / "working/root_of/4").write_bytes(b"nonsense")
    capsys.readouterr()
    assert main(["show", "working/root_of/4", "--json"]) == 2
    shown = json.loads(capsys.readouterr().out)
    assert shown["task"] == f"{flows}.root_of"
    assert shown["error"].startswith("CorruptTarget: target 'working/root_of/4'")


def test_json_of_an_output_has_its_data_as_text(
    flows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["run", f"{flows}:one"])
    capsys.readouterr()
    for command, name in (("show", "value"), ("debug", "result")):
        assert main([command, "working/root_of/4", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)[name] == "4"


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("prefectx st", {"status"}),
        ("prefectx ls --wh", {"--where"}),
        ("prefectx rm --d", {"--downstream", "--dry-run"}),
        ("prefectx show work", {"working"}),
    ],
)
def test_bash_completes_commands_their_options_and_targets(
    words: str, completed: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", "bash"]) == 0
    (tmp_path / "working").mkdir()
    typed = f"COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}"
    shown = 'complete() { :; }; _prefectx; echo "${COMPREPLY[@]}"'
    script = f"{capsys.readouterr().out}\n{typed}\n{shown}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == completed


@pytest.mark.parametrize("made", ["2020-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"])
def test_what_is_too_old_or_of_the_future_has_expired(
    made: str, flows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a run, which knows no age of what was made before a clock was set back."""
    main(["run", f"{flows}:day"])
    for file in (tmp_path / ".prefectx/journal").iterdir():
        line = json.loads(file.read_text().splitlines()[0])
        file.write_text(json.dumps({**line, "made": made}) + "\n")
    capsys.readouterr()
    assert main(["status", "--json"]) == 1
    (counts,) = json.loads(capsys.readouterr().out)
    assert counts["expired"] == 1


def test_a_wrong_setting_of_the_project_is_told_in_words(
    tmp_path: Path, flows: str, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECTX_ROOT", raising=False)
    (tmp_path / "pyproject.toml").write_text("[tool.prefectx]\nroots = 'outputs'\n")
    assert main(["run", f"{flows}:one"]) == 2
    errors = said()
    assert errors.startswith("prefectx: ")
    assert "has no setting 'roots'; did you mean 'root'?" in errors


@pytest.mark.parametrize("command", ["prefectx.cli run scripts/{}.py:one", "scripts.{}", "{}"])
def test_tasks_of_a_file_in_another_folder_are_no_orphans(
    command: str, tmp_path: Path, flows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their module is not found from here, but its file is known."""
    name = f"scripted_{flows}"
    (tmp_path / "scripts").mkdir()
    script = (tmp_path / f"{flows}.py").read_text() + "\n\nif __name__ == '__main__':\n    one()\n"
    (tmp_path / f"scripts/{name}.py").write_text(script)
    words = command.format(name).split()
    args = [f"scripts/{name}.py"] if words == [name] else ["-m", *words]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PREFECTX": "cache"}
    subprocess.run([sys.executable, *args], cwd=tmp_path, env=env, check=True)
    assert main(["status"]) == 0
    assert main(["debug", "working/root_of/4"]) == 0
    assert main(["rm", "--orphans", "--dry-run"]) == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_a_dry_run_and_an_empty_sample_say_what_comes_next(
    flows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["run", f"{flows}:one"])
    capsys.readouterr()
    assert main(["rm", "root_of", "--dry-run"]) == 0
    assert "next: prefectx rm root_of\n" in capsys.readouterr().out
    assert main(["sample", "nothing"]) == 1
    assert "next: prefectx status\n" in capsys.readouterr().out
