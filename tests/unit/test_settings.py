"""Settings: an option, else an environment variable, else the project's file, else the default."""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

FLOWS = """
    from prefectx import current_mode, flow, task

    @task(target="working/{funcname}/{number}")
    def double(number: int) -> int:
        return 2 * number

    @flow
    def doubles() -> None:
        double(1)

    if __name__ == "__main__":
        doubles()
        print(current_mode())
"""


class Project:
    """A project in a folder, whose flow is run from elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()
        (folder / "package").mkdir()
        (folder / "package" / "flows.py").write_text(dedent(FLOWS))

    def configure(self, text: str) -> None:
        (self.folder / "pyproject.toml").write_text(f"[tool.prefectx]\n{text}\n")

    def run(self, code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PREFECTX")}
        done = subprocess.run(
            [sys.executable, str(self.folder / "package" / "flows.py")],
            cwd=self.elsewhere,
            env={**kept, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stderr
        return done

    def targets(self) -> set[str]:
        found = self.folder.rglob("working/*/*")
        return {str(path.relative_to(self.folder)) for path in found}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_without_a_project_s_file_nothing_changes(project: Project) -> None:
    assert project.run().stdout == "function\n"
    assert project.run(PREFECTX="cache").stdout == "cache\n"
    assert project.targets() == {"elsewhere/working/double/1"}


def test_root_and_mode_hold_wherever_the_flow_is_run_from(project: Project) -> None:
    project.configure('root = "outputs"\nmode = "cache"')
    assert project.run().stdout == "cache\n"
    assert project.targets() == {"outputs/working/double/1"}
    assert "1 skipped" in project.run().stderr


def test_variables_of_the_environment_come_first(project: Project, tmp_path: Path) -> None:
    project.configure('root = "outputs"\nmode = "cache"\nsummary = true')
    assert project.run(PREFECTX="function", PREFECTX_SUMMARY="off").stderr == ""
    assert project.targets() == set()
    project.run(PREFECTX_ROOT=str(tmp_path / "other"))
    assert project.targets() == {"other/working/double/1"}


def test_the_summary_can_be_turned_off_for_a_project(project: Project) -> None:
    project.configure("summary = false")
    assert project.run().stderr == ""


@pytest.mark.parametrize(
    ("setting", "recomputed"),
    [('rerun_on = ["code", "inputs"]', 1), ('rerun_on = "code"', 1), ('rerun_on = "inputs"', 0)],
)
def test_the_reasons_to_rerun_hold_for_all_tasks_of_a_project(
    project: Project, setting: str, recomputed: int
) -> None:
    project.configure(f'mode = "cache"\n{setting}')
    project.run()
    assert "0 ran  1 skipped" in project.run().stderr
    file = project.folder / "package" / "flows.py"
    file.write_text(file.read_text().replace("2 * number", "3 * number"))
    assert f"{recomputed} ran  {1 - recomputed} skipped" in project.run().stderr
    # The variable comes first.
    file.write_text(file.read_text().replace("3 * number", "4 * number"))
    assert "1 skipped" in project.run(PREFECTX_RERUN_ON="").stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('rot = "outputs"', "did you mean 'root'?"),
        ('mode = "cash"', "Did you mean 'cache'?"),
        ("root = 1", "root must be a text, not 1"),
        ('rerun_on = ["cod"]', "rerun_on has ['cod']"),
    ],
)
def test_what_is_no_setting_is_refused_with_the_file_s_name(
    project: Project, text: str, told: str
) -> None:
    project.configure(text)
    errors = project.run(code=1).stderr
    assert told in errors
    assert "pyproject.toml" in errors
