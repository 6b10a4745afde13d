"""Type checkers find in users' code what the decorators promise: the types, and the mistakes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ACCEPTED = HERE / "accepted.py"
REJECTED = HERE / "rejected.py"

Errors = dict[str, dict[int, str]]


def mypy() -> Errors:
    found: Errors = {ACCEPTED.name: {}, REJECTED.name: {}}
    output = checked("mypy", "--strict", "--no-pretty", "--no-color-output")
    for name, line, message in re.findall(r"(\w+\.py):(\d+): error: (.*)", output):
        found.setdefault(name, {})[int(line)] = message
    assert re.search(r"^Found \d+ errors? in |^Success", output, re.MULTILINE), output
    return found


def pyright() -> Errors:
    found: Errors = {ACCEPTED.name: {}, REJECTED.name: {}}
    output = checked("pyright", "--outputjson", "--pythonpath", sys.executable)
    for error in json.loads(output)["generalDiagnostics"]:
        line = error["range"]["start"]["line"] + 1
        found.setdefault(Path(error["file"]).name, {})[line] = error["message"]
    return found


def checked(checker: str, *options: str) -> str:
    pytest.importorskip(checker)
    ended = subprocess.run(
        [sys.executable, "-m", checker, *options, str(ACCEPTED), str(REJECTED)],
        cwd=ROOT,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module", params=[mypy, pyright], ids=lambda checker: checker.__name__)
def checker(request: pytest.FixtureRequest) -> Callable[[], Errors]:
    found: Callable[[], Errors] = request.param
    return found


@pytest.fixture(scope="module")
def errors(checker: Callable[[], Errors]) -> Errors:
    return checker()


def test_right_code_is_accepted_with_the_right_types(errors: Errors) -> None:
    assert errors[ACCEPTED.name] == {}


def test_each_mistake_is_rejected_and_nothing_else(
    checker: Callable[[], Errors], errors: Errors
) -> None:
    ends = ("# E", f"# E: {checker.__name__}")
    lines = enumerate(REJECTED.read_text(encoding="utf-8").splitlines(), start=1)
    marked = {number for number, line in lines if line.endswith(ends)}
    rejected = errors[REJECTED.name]
    assert marked - rejected.keys() == set(), "mistakes that pass"
    assert {line: rejected[line] for line in rejected.keys() - marked} == {}


def test_only_these_files_are_wrong(errors: Errors) -> None:
    """The package itself is clean where users' code reaches it."""
    assert errors.keys() == {ACCEPTED.name, REJECTED.name}
