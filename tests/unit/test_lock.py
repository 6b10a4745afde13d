"""The lock of this checkout's dependencies, and the lists made of it for pip alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from patience import PATIENCE

ROOT = Path(__file__).parents[2]
REQUIREMENTS = {
    "example.txt": ("--package", "example-project"),
    "dev.txt": ("--all-packages", "--extra", "dev", "--extra", "test"),
}


def uv(*arguments: str) -> str:
    beside = os.path.join(os.path.dirname(sys.executable), "uv")
    program = shutil.which("uv") or shutil.which(beside)
    if program is None:
        pytest.skip("needs uv, which make installs")
    done = subprocess.run(
        [program, *arguments, "--offline", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, f"{done.stderr}\nmake lock"
    return done.stdout


def test_all_that_is_locked_comes_from_the_public_registry() -> None:
    """No path and no host of the machine that it was locked on."""
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    hosts = set(re.findall(r"\w+://[^/\"]*", text))
    assert hosts == {"https://pypi.org", "https://files.pythonhosted.org"}
    sources = [package["source"] for package in tomllib.loads(text)["package"]]
    own = [source for source in sources if source != {"registry": "https://pypi.org/simple"}]
    assert own == [{"editable": "example_project"}, {"editable": "."}]


def test_the_lock_has_what_the_projects_ask_for() -> None:
    uv("lock", "--check")


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_for_pip_are_those_of_the_lock_with_hashes(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    frozen = ("--frozen", "--no-emit-workspace", "--no-header")
    assert text == uv("export", *frozen, *REQUIREMENTS[name])
    pins = re.findall(r"(?m)^[a-z][^\s=]*(==)?.* \\\n    --hash=sha256:", text)
    assert len(pins) == len(re.findall(r"(?m)^[a-z]", text))
    assert set(pins) == {"=="}
