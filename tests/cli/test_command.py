"""The command `prefectx`: see what is there, know why, rerun just that."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

import prefectx
from prefectx._identity.file_fingerprint import FileFingerprint
from prefectx.stores import Filestore
from prefectx.stores.record import parsed, text_of, unfinished

if TYPE_CHECKING:
    from pathlib import Path

    from prefect.client.orchestration import SyncPrefectClient

    from pytest_prefectx.server.client import PrefectServer

WORDS = """
    from prefectx import flow, load, task

    @task(target="working/{funcname}/{name}")
    def fetch(name: str) -> str:
        return name * 3

    @task(target="working/{funcname}/{base}.json", base="{text[0]}")
    def count(text: str) -> dict[str, int]:
        if text.startswith("x"):
            raise ValueError(f"no such word: {text}")
        return {"letters": len(text)}

    @task(target="out/total.json")
    def total(counts: list[dict[str, int]]) -> int:
        return sum(count["letters"] for count in counts)

    @flow
    def words(names=("a", "b")):
        counts = count.map(fetch.map(list(names)))
        return total(counts.result())

    @flow
    def branching(names=("a", "b")):
        counts = count.map(fetch.map(list(names)))
        if load(counts[0])["letters"] > 2:
            return fetch("long")
        return total(counts.result())
"""


class Command:
    """The command in a folder with flows in `words.py`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write(WORDS)

    def write(self, text: str) -> None:
        (self.folder / "words.py").write_text(dedent(text))

    def change(self, old: str, new: str) -> None:
        assert old in WORDS
        self.write(WORDS.replace(old, new))

    def __call__(self, *arguments: str, code: int = 0, given: str = "", **set_to: str) -> str:
        variables = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PREFECTX", "PREFECT_API"))
        }
        done = subprocess.run(
            [sys.executable, "-m", "prefectx.cli", *arguments],
            cwd=self.folder,
            env={**variables, "PYTHONDONTWRITEBYTECODE": "1", **set_to},
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        self.errors = done.stderr
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, code: int = 0, **set_to: str) -> Any:
        return json.loads(self(*arguments, "--json", code=code, **set_to))


@pytest.fixture
def px(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def ran(px: Command) -> Command:
    px("run", "words:words")
    return px


def test_status_is_a_line_a_task(ran: Command) -> None:
    lines = {line["task"]: line for line in ran.json("status")}
    assert set(lines) == {"words.fetch", "words.count", "words.total"}
    assert lines["words.fetch"]["targets"] == lines["words.fetch"]["fresh"] == 2
    assert "prefectx ls" in ran("status").splitlines()[-1]


@pytest.mark.parametrize("ahead", [1, -1])
def test_of_two_machines_whose_clocks_differ_the_one_that_made_the_output_counts(
    ran: Command, ahead: int
) -> None:
    """Each has files of its own in the journal; their times do not say who was last."""
    here, there = (line("here", 0), line("elsewhere", ahead))
    journal = ran.folder / ".prefectx/journal"
    (journal / "elsewhere-1-0a0b0c0d.jsonl").write_text(there)
    (journal / "here-1-0a0b0c0d.jsonl").write_text(here)
    lines = {line["task"]: line for line in ran.json("status")}
    assert lines["words.fetch"]["fresh"] == 2
    (listed,) = (one for one in ran.json("ls") if one["target"] == "working/fetch/a")
    assert listed["seconds"] < 100


def line(host: str, ahead: int) -> str:
    """Return a line of the journal from a machine whose clock is some hours ahead."""
    made = datetime.now(UTC) + timedelta(hours=ahead)
    fields = {"task": "words.fetch", "target": "working/fetch/a", "made": made.isoformat()}
    return json.dumps({**fields, "code": "old", "seconds": 100.0, "host": host}) + "\n"


def test_status_of_a_flow_counts_its_tasks_only(ran: Command) -> None:
    (ran.folder / "other.py").write_text(
        dedent("""
            import words
            from prefectx import flow, task

            @task(target="working/{funcname}/{name}")
            def shout(name: str) -> str:
                return name.upper()

            @task
            def never(name: str) -> str:
                return name

            def helper(name):
                return shout(words.fetch(name)) if name else never(name)

            @flow
            def shouts():
                return [helper(name) for name in ("a", "b")]
        """)
    )
    ran("run", "other:shouts")
    lines = {line["task"]: line["targets"] for line in ran.json("status", "other:shouts")}
    assert lines == {"words.fetch": 2, "other.shout": 2, "other.never": 0}
    lines = {line["task"]: line["targets"] for line in ran.json("status", "words:words")}
    assert lines == {"words.fetch": 2, "words.count": 2, "words.total": 1}
    lines = {line["task"]: line["targets"] for line in ran.json("status", "shout", "out/*")}
    assert lines == {"other.shout": 2, "words.total": 1}
    assert "no targets of nothing" in ran("status", "nothing")


def test_a_target_that_was_removed_is_missing(ran: Command) -> None:
    (ran.folder / "working/fetch/a").unlink()
    lines = {line["task"]: line for line in ran.json("status", code=1)}
    assert lines["words.fetch"]["missing"] == 1
    assert lines["words.count"]["upstream"] == 1
    assert "does not exist" in ran("why", "working/fetch/a", code=1)
    assert "working/fetch/a, which it was made from" in ran("why", "count", code=1)


def test_changed_code_is_a_reason_told_with_its_diff(ran: Command) -> None:
    ran.change("name * 3", "name * 4")
    lines = {line["task"]: line for line in ran.json("status", code=1)}
    assert lines["words.fetch"]["code"] == 2
    assert lines["words.count"]["code"] == 0
    told = ran("why", "fetch", code=1)
    assert "-    return name * 3" in told
    assert "+    return name * 4" in told


def test_accept_marks_what_is_there_as_current_and_says_who_and_why(ran: Command) -> None:
    ran.change("name * 3", "name * 3 + ''")
    ran("status", code=1)
    ran("accept", "fetch", "--reason", "the same texts")
    ran("why", "fetch")
    assert "the same texts" in ran("show", "working/fetch/a")


def test_accept_says_why_a_target_without_a_record_is_left_as_it_is(ran: Command) -> None:
    (ran.folder / "working/fetch/by-hand").write_bytes(pickle.dumps("text"))
    told = ran("accept", "working/fetch/by-hand", "--reason", "mine", code=1)
    assert "accepted 0 of 1 target" in told
    assert "it has no record, so nobody knows what made it" in " ".join(told.split())
    assert Filestore(ran.folder).load_record("working/fetch/by-hand") is None


def test_accept_takes_inputs_and_files_that_functions_wrote_as_they_are_now(px: Command) -> None:
    px.write(
        """
        from pathlib import Path
        from prefectx import InFile, flow, task

        @task(target="out/{funcname}")
        def length(path: InFile) -> int:
            return len(Path(path).read_text())

        @task(target="out/own.txt", store=None)
        def own() -> str:
            Path("out/own.txt").write_text("own")
            return "out/own.txt"

        @flow
        def both():
            return [length("in.txt"), own()]
        """
    )
    (px.folder / "in.txt").write_text("one")
    px("run", "words:both")
    (px.folder / "in.txt").write_text("another")
    (px.folder / "out/own.txt").write_text("corrected by hand")
    px("why", "length", code=1)
    px("accept", "length", "own", "--reason", "the same in effect")
    px("why", "length")
    record = parsed(Filestore(px.folder).load_record("out/own.txt") or "")
    assert record is not None
    assert record.output is not None
    assert FileFingerprint(*record.output).matches(str(px.folder / "out/own.txt"))


def test_accept_leaves_what_was_interrupted_to_be_made_again(ran: Command) -> None:
    store = Filestore(ran.folder)
    record = store.load_record("working/fetch/a")
    assert record is not None
    store.save_record("working/fetch/a", unfinished(record))
    told = ran("accept", "working/fetch/a", "--reason", "it looks whole", code=1)
    assert "was interrupted" in told
    assert store.load_record("working/fetch/a") == unfinished(record)


def test_accept_is_of_the_call_whose_output_is_there_not_of_the_latest(ran: Command) -> None:
    store = Filestore(ran.folder)
    latest = parsed(store.load_record("working/fetch/a") or "")
    assert latest is not None
    # An older output was restored, with its record.
    older = latest._replace(
        call="words.fetch(name='z')", key="0123", made="2020-01-01T00:00:00+00:00"
    )
    store.save_record("working/fetch/a", text_of(older))
    ran("accept", "working/fetch/a", "--reason", "it is good")
    now = parsed(store.load_record("working/fetch/a") or "")
    assert now is not None
    assert (now.call, now.key, now.output_made) == (older.call, older.key, older.made)


def test_what_was_made_of_an_accepted_target_stays_current(ran: Command) -> None:
    ran("accept", "fetch", "--reason", "the same texts")
    ran("accept", "fetch", "--reason", "said twice")
    ran("why", "count")
    lines = {line["task"]: line for line in ran.json("status")}
    assert lines["words.count"]["upstream"] == 0


def test_ls_knows_the_parameters_of_each_call(ran: Command) -> None:
    (found,) = ran.json("ls", "fetch", "--where", "name=a*")
    assert found["target"] == "working/fetch/a"
    assert found["parameters"]["name"] == "a"
    assert ran.json("ls", "--where", "base=b", "count")[0]["target"] == "working/count/b.json"
    assert ran.json("ls", "working/count/*")[0]["task"] == "words.count"


def test_parameters_of_a_file_without_a_record_are_recovered_from_its_name(ran: Command) -> None:
    (ran.folder / "working/fetch/by-hand").write_bytes(b"")
    (found,) = ran.json("ls", "--where", "name=by*")
    assert found["target"] == "working/fetch/by-hand"
    assert found["parameters"] == {"base": "by-hand", "task": "fetch", "name": "by-hand"}


def test_files_by_hand_are_found_by_the_name_of_a_task_that_never_ran(px: Command) -> None:
    (px.folder / "working/fetch").mkdir(parents=True)
    (px.folder / "working/fetch/by-hand").write_bytes(b"")
    (found,) = px.json("ls", "words.fetch", "--where", "name=by*")
    assert found["target"] == "working/fetch/by-hand"


def test_show_gives_the_data_the_record_from_what_and_used_by_what(ran: Command) -> None:
    told = ran("show", "working/count/a.json")
    assert '"letters": 3' in told
    assert "made from  working/fetch/a" in told
    assert "used by  out/total.json" in told
    assert "prefectx debug working/count/a.json" in told


def test_sample_and_diff_look_into_the_data(ran: Command) -> None:
    assert "aaa" in ran("sample", "fetch", "-n", "5")
    assert "aaa" in ran("diff", "working/fetch/a", "working/fetch/b", code=1)
    ran("diff", "working/count/a.json", "working/count/b.json")


PAIRS = """
    import numpy as np
    import pandas as pd
    from prefectx import flow, task

    PAIRS = {
        "numbers": (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1.0, 2.0]})),
        "index": (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}, index=[7])),
        "missing": (
            pd.DataFrame({"a": [1, pd.NA]}, dtype="Int64"),
            pd.DataFrame({"a": [1, 2]}, dtype="Int64"),
        ),
        "cells": (
            pd.DataFrame({"a": [np.array([1, 2])]}), pd.DataFrame({"a": [np.array([1, 3])]})
        ),
        "ends": ("one line\\n", "one line"),
        "deep": ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}),
        "long": (pd.DataFrame({"a": range(30)}), pd.DataFrame({"a": range(1, 31)})),
        "same": (pd.DataFrame({"a": [1.5, None]}), pd.DataFrame({"a": [1.5, None]})),
    }

    @task(target="out/{name}-{number}")
    def pair(name, number):
        return PAIRS[name][number]

    @flow
    def pairs():
        for name in PAIRS:
            pair(name, 0)
            pair(name, 1)
"""


def test_diff_says_where_any_two_outputs_differ(px: Command) -> None:
    px.write(PAIRS)
    px("run", "words:pairs")

    def diff(name: str, code: int = 1) -> str:
        return px("diff", f"out/{name}-0", f"out/{name}-1", code=code)

    assert "dtype" in diff("numbers")
    assert "index" in diff("index").casefold()
    assert "row 1, a: <NA> and " in diff("missing")
    assert "row 0, a: " in diff("cells")
    assert "one line" in diff("ends")
    assert "at ['a'][1]['b']: another value: 2 and 3" in diff("deep")
    assert "and 10 more" in diff("long")
    assert len(px.json("diff", "out/long-0", "out/long-1", code=1)) == 30
    assert "no difference" in diff("same", code=0)


def test_failures_are_listed_debugged_and_gone_once_they_are_mended(px: Command) -> None:
    px("run", "words:words", "-p", "names=['a', 'x']", code=2)
    assert "prefectx debug working/count/x.json --pdb" in px.errors
    (failed,) = px.json("ls", "--failed", code=2)
    assert failed["failed"] == "ValueError: no such word: xxx"
    told = px("debug", "working/count/x.json", code=2)
    assert "words.count(" in told
    assert "no such word: xxx" in px.errors
    px.change('startswith("x")', 'startswith("z")')
    assert '"letters": 3' in px("debug", "working/count/x.json")
    px("run", "words:words", "-p", "names=['a', 'x']")
    assert px.json("ls", "--failed") == []


def test_debug_runs_a_call_that_was_made_too(ran: Command) -> None:
    assert '"letters": 3' in ran("debug", "working/count/a.json")


def test_debug_opens_a_shell_with_the_call_s_arguments(ran: Command) -> None:
    told = ran("debug", "working/count/a.json", "--shell", given="print(args, result)\n")
    assert "('aaa',) {'letters': 3}" in told


def test_plan_says_what_would_run_and_runs_and_writes_nothing(px: Command) -> None:
    plan = px.json("plan", "words:words", code=1)
    assert [call["target"] for call in plan["would_run"]][:2] == [
        "working/fetch/a",
        "working/fetch/b",
    ]
    assert {path.name for path in px.folder.iterdir()} == {"words.py"}


def test_plan_ends_with_what_to_do_with_the_same_parameters(ran: Command) -> None:
    said = ran("plan", "words:words", "-p", 'names=["a", "b"]')
    assert """next: prefectx run words:words -p 'names=["a", "b"]'\n""" in said
    ran.change("name * 3", "name * 4")
    said = ran("plan", "words:words", code=1)
    assert "next: prefectx rm fetch --stale --downstream" in said
    assert "next: prefectx accept fetch --reason" in said


def test_plan_goes_on_behind_what_is_there(ran: Command) -> None:
    plan = ran.json("plan", "words:words")
    assert plan["would_run"] == []
    (ran.folder / "out/total.json").unlink()
    plan = ran.json("plan", "words:words", code=1)
    assert [call["target"] for call in plan["would_run"]] == ["out/total.json"]
    lines = {line["task"]: line for line in plan["tasks"]}
    assert (lines["words.fetch"]["skipped"], lines["words.total"]["run"]) == (2, 1)


def test_plan_says_where_a_flow_needs_what_is_not_there(px: Command) -> None:
    plan = px.json("plan", "words:branching", code=1)
    (unknown,) = plan["unknown"]
    line = 1 + dedent(WORDS).splitlines().index('    if load(counts[0])["letters"] > 2:')
    assert f"words.py:{line}" in unknown
    px("run", "words:branching")
    assert px.json("plan", "words:branching")["unknown"] == []


def test_plan_names_what_is_trusted_although_its_code_has_changed(ran: Command) -> None:
    ran.change("name * 3", "name * 4")
    plan = ran.json("plan", "words:words", code=1)
    assert plan["would_run"] == []
    assert {line["target"] for line in plan["stale"]} == {"working/fetch/a", "working/fetch/b"}


def test_rm_removes_with_what_was_made_from_it(ran: Command) -> None:
    told = ran("rm", "working/fetch/a", "--downstream", "--dry-run")
    assert "3 targets" in told
    ran("rm", "working/fetch/a", "--downstream", code=2)
    assert (ran.folder / "working/fetch/a").exists()
    ran("rm", "working/fetch/a", "--downstream", "--yes")
    left = {str(path.relative_to(ran.folder)) for path in ran.folder.glob("[wo]*/**/*")}
    assert {"working/fetch/b", "working/count/b.json"} <= left
    assert not {"working/fetch/a", "working/count/a.json", "out/total.json"} & left


def test_rm_takes_no_command_without_saying_what(ran: Command) -> None:
    ran("rm", "--yes", code=2)
    assert "rm what?" in ran.errors
    assert (ran.folder / "out/total.json").exists()


def test_remove_is_the_same_in_python(ran: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ran.folder)
    found = prefectx.remove("fetch", where={"name": "a"}, dry_run=True)
    assert found == ["working/fetch/a"]
    prefectx.remove("fetch")
    assert not (ran.folder / "working/fetch/a").exists()


def test_run_refreshes_tasks_and_says_what_it_did(ran: Command) -> None:
    done = ran.json("run", "words:words", "--refresh", "fetch")
    lines = {line["task"]: line for line in done["tasks"]}
    assert (lines["fetch"]["ran"], lines["fetch"]["skipped"]) == (2, 0)
    assert (lines["count"]["ran"], lines["count"]["skipped"]) == (0, 2)


def test_run_keeps_going_with_all_that_does_not_need_what_has_failed(px: Command) -> None:
    px.change(
        "counts = count.map(fetch.map(list(names)))\n        return total(counts.result())",
        "counts = [count(fetch(name)) for name in (*names, 'x', 'c')]\n"
        "        total(counts[:2])\n        return total(counts[1:])",
    )
    px("run", "words:words", code=2)
    assert not (px.folder / "working/fetch/c").exists()
    output = px("run", "words:words", "--keep-going", code=2)
    assert "next: prefectx" in output
    assert (px.folder / "working/count/c.json").exists()
    assert json.loads((px.folder / "out/total.json").read_text()) == 6
    assert "ValueError: no such word: xxx" in px.errors
    assert "not tried, because an input has failed: words.total(" in px.errors
    px("run", "words:words", "--keep-going", "--mode", "function", code=2)
    assert "--keep-going is for mode cache" in px.errors


def test_a_flow_that_keeps_going_ends_where_it_needs_what_has_failed(px: Command) -> None:
    px("run", "words:branching", "-p", "names=('x', 'b')", "--keep-going", code=2)
    assert "the flow needs the output of words.count(" in px.errors
    assert (px.folder / "working/count/b.json").exists()


def test_doctor_says_what_is_in_force_and_from_where(px: Command) -> None:
    settings = {each["name"]: each for each in px.json("doctor")["settings"]}
    assert settings["mode"]["source"] == "default"
    (px.folder / "pyproject.toml").write_text('[tool.prefectx]\nroot = "outputs"\n')
    (px.folder / "outputs").mkdir()
    settings = {each["name"]: each for each in px.json("doctor")["settings"]}
    assert settings["root"]["value"] == str(px.folder / "outputs")
    assert settings["root"]["source"].endswith("pyproject.toml")


@pytest.mark.prefectx("prefect")
def test_doctor_finds_task_runs_that_the_server_has_lost(
    px: Command, prefect_server: PrefectServer, prefect_client: SyncPrefectClient
) -> None:
    def findings() -> dict[str, Any]:
        url = {"PREFECT_API_URL": prefect_server.api_url}
        return {each["what"]: each for each in px.json("doctor", code=1, **url)["findings"]}

    from prefect import flow as prefect_flow
    from prefect import task as prefect_task
    from prefect.states import Completed, Running

    lost_flow = prefect_flow(name="lost")(lambda: None)
    run = prefect_client.create_flow_run(lost_flow, state=Running())
    prefect_client.create_task_run(
        prefect_task(lambda: None), flow_run_id=run.id, dynamic_key="0", state=Running()
    )
    before = findings()["task runs"]["text"]
    prefect_client.set_flow_run_state(run.id, Completed(), force=True)
    found = findings()["task runs"]
    assert not found["ok"]
    assert found["text"] != before
    assert "BATCH_SIZE=100" in found["cure"]


def test_freeze_writes_tests_of_the_smallest_calls_that_need_nothing_of_the_run(
    ran: Command,
) -> None:
    assert "3 calls in frozen/" in ran("freeze", "words:words")
    ran("freeze", "words:words", code=2)
    assert "--update" in ran.errors
    frozen = ran.json("freeze", "words:words", "--update", "--per-task", "2")
    assert {call["task"] for call in frozen} == {"words.fetch", "words.count", "words.total"}
    assert len(frozen) == 5
    for name in ("working", "out", ".prefectx"):
        (ran.folder / name).rename(ran.folder / f"{name}-away")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", "frozen"]
    done = subprocess.run(command, cwd=ran.folder, capture_output=True, text=True, check=False)
    assert "10 passed" in done.stdout
    mine = ran.folder / "mine"
    mine.mkdir()
    ran("freeze", "words:words", "--into", "mine", "--update", code=2)
    assert list(mine.iterdir()) == []


def test_replay_names_the_first_call_of_a_flow_that_differs(ran: Command) -> None:
    ran("replay", "words:words", code=2)
    assert "Write it with --update" in ran.errors
    assert "5 calls" in ran("replay", "words:words", "--update")
    ran("replay", "words:words")
    ran.change("fetch.map(list(names))", "fetch.map([*names, 'c'])")
    assert "call 3: words.fetch -> working/fetch/c is new" in ran("replay", "words:words", code=1)
    assert not (ran.folder / "working/fetch/c").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_the_commands(px: Command, shell: str) -> None:
    assert "status" in px("completion", shell)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "nowhere"), "there is no target 'nowhere'"),
        (("run", "words:nothing"), "words:words"),
        (("run", "nomodule:flow"), "there is no module 'nomodule'"),
        (("debug", "nowhere"), "there is no target"),
        (("ls", "--where", "base"), "is not NAME=PATTERN"),
    ],
)
def test_wrong_use_says_what_would_be_right(
    ran: Command, arguments: tuple[str, ...], told: str
) -> None:
    ran(*arguments, code=2)
    assert told in ran.errors
