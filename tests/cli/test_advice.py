"""Each command that a view or a run advises can be copied and run as it is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import pytest

# Names with spaces, and parameters without which the flow cannot run.
PAGES: Final = """
    from prefectx import flow, task

    @task(target="working/{funcname}/page {name}")
    def fetch(name: str) -> str:
        return name * 3

    @task(target="working/{funcname}/{base}.json", base="{text[0]}")
    def count(text: str) -> dict[str, int]:
        if text.startswith("x"):
            raise ValueError(f"no such word: {text}")
        return {"letters": len(text)}

    @flow
    def pages(names: list[str], *, times: int) -> list[int]:
        return [count.map(fetch.map(names)).result()] * times
"""

#: Runs commands in one process; prints what each prints and how it ends, as JSON.
DRIVER: Final = """
    import contextlib, io, json, shlex, sys
    from prefectx.cli import main

    found = []
    for line in json.load(sys.stdin):
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            try:
                code = main(shlex.split(line)[1:])
            except SystemExit as end:
                code = f"wrong use: {end.code}"
        found.append([code, out.getvalue(), errors.getvalue()])
    json.dump(found, sys.__stdout__)
"""

VIEWS: Final = (
    "prefectx status",
    "prefectx status pages:pages",
    "prefectx status nothing",
    "prefectx ls",
    "prefectx ls -n 1",
    "prefectx ls --failed",
    "prefectx ls nothing",
    "prefectx show 'working/fetch/page a'",
    "prefectx show working/count/a.json",
    "prefectx show working/count/x.json",
    "prefectx sample fetch",
    "prefectx diff 'working/fetch/page a' 'working/fetch/page b'",
    "prefectx why fetch",
    "prefectx why count",
    "prefectx debug working/count/a.json",
    "prefectx debug working/count/x.json",
    "prefectx plan pages:pages -p \"names=['a', 'b', 'c']\" -p times=1 -n 1",
    "prefectx accept count --reason 'the same'",
    "prefectx rm nothing --yes",
    "prefectx rm working/count/b.json --yes",
)


class Project:
    """A folder with a flow, below which `root` is the folder of the targets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PREFECTX", "PREFECT_API"))
        }
        self.write(PAGES)

    def write(self, text: str) -> None:
        (self.folder / "pages.py").write_text(dedent(text))

    def run(self, *commands: str, **variables: str) -> list[tuple[Any, str, str]]:
        """Run commands in one process; return their exit codes, outputs and errors."""
        done = subprocess.run(
            [sys.executable, "-c", dedent(DRIVER)],
            cwd=self.folder,
            env={**self.variables, "PYTHONDONTWRITEBYTECODE": "1", **variables},
            input=json.dumps(commands),
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        return [tuple(one) for one in json.loads(done.stdout)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def advised(*texts: str) -> list[str]:
    """Return the commands in these texts."""
    lines = [line for text in texts for line in text.splitlines()]
    return [line[line.index("prefectx ") :] for line in lines if _is_advice(line)]


def _is_advice(line: str) -> bool:
    return line.startswith("next: prefectx ") or " prefectx " in line


def is_misuse(said: str) -> bool:
    # The summary of a run begins likewise.
    return said.startswith("prefectx: ") and not said.startswith("prefectx: pages ")


def asks(command: str) -> bool:
    return command.startswith("prefectx rm ")


@pytest.mark.parametrize("root", [".", "outputs of mine"])
def test_each_command_that_is_advised_runs_as_it_is_printed(project: Project, root: str) -> None:
    (project.folder / root).mkdir(exist_ok=True)
    of_root = "" if root == "." else f" --root '{root}'"
    first = "prefectx run pages:pages -p \"names=['a', 'b', 'x', 'y']\" -p times=1"
    [(_, _, errors)] = project.run(first + of_root)
    [debug] = advised(errors)
    project.write(PAGES.replace("name * 3", "name * 4"))
    views = project.run(*(view + of_root for view in VIEWS))
    found = {debug: "the run itself"}
    for view, (code, output, said) in zip(VIEWS, views, strict=True):
        assert code in {0, 1, 2}, (view, said)
        assert not is_misuse(said), (view, said)
        new = advised(output)
        assert new, (view, output)
        assert (of_root in new[-1]) or root == ".", view
        found |= dict.fromkeys(new, view)
    assert len(found) > 15
    ahead = [one + " --dry-run" if asks(one) else one for one in found]
    for command, (code, output, said) in zip(ahead, project.run(*ahead), strict=True):
        assert code in {0, 1, 2}, (command, found.get(command), said)
        assert not is_misuse(said), (command, found.get(command), said)
        assert output or said, command


@pytest.mark.parametrize("of_root", ["", " --root 'outputs of mine'"])
def test_a_run_with_many_failures_advises_where_to_see_them_all(
    project: Project, of_root: str
) -> None:
    names = [f"x{letter}" for letter in "abcdefghijkl"]
    project.write(PAGES.replace("{text[0]}", "{text[1]}"))
    command = f'prefectx run pages:pages -p "names={names}" -p times=1{of_root}'
    [(_, _, errors)] = project.run(command)
    [line] = [line for line in errors.splitlines() if line.startswith("  and 2 more: ")]
    listing = line.removeprefix("  and 2 more: ")
    assert listing.startswith("prefectx ls --failed")
    assert ("--root" in listing) == bool(of_root)
    [(code, listed, _)] = project.run(listing)
    assert code == 2
    assert listed.count("no such word") == 12


def test_rm_advises_the_flow_that_made_what_was_removed_with_its_parameters(
    project: Project,
) -> None:
    project.run("prefectx run pages:pages -p \"names=['a']\" -p times=2")
    [(_, removed, _), (_, status, _)] = project.run(
        "prefectx rm working/fetch --yes", "prefectx status"
    )
    command = "pages:pages -p 'names=['\"'\"'a'\"'\"']' -p times=2"
    assert f"next: prefectx plan {command}\nnext: prefectx run {command}\n" in removed
    assert status


def test_a_run_that_stores_nothing_outside_the_journal_s_folder_is_not_noted(
    project: Project,
) -> None:
    project.run("prefectx run pages:pages -p 'names=[]' -p times=2")
    assert not (project.folder / ".prefectx").exists()
    [(_, said, _)] = project.run("prefectx status")
    assert "next: prefectx run --help" in said


def test_a_flow_of_a_script_is_advised_by_its_file(project: Project) -> None:
    text = dedent(PAGES) + 'if __name__ == "__main__":\n    pages(["a"], times=1)\n'
    project.write(text)
    env = {**project.variables, "PREFECTX": "cache"}
    subprocess.run([sys.executable, "pages.py"], cwd=project.folder, env=env, check=True)
    [(_, said, _)] = project.run("prefectx rm working/fetch --yes")
    [plan, run] = advised(said)
    assert plan.startswith("prefectx plan pages.py:pages -p ")
    assert [code for code, _, _ in project.run(plan, run)] == [1, 0]
