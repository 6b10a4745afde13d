"""A Python with other packages, or other versions, on top of those of this session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest


def python_with(folder: Path, *requirements: str) -> str:
    """Make a virtual environment; return its Python.

    Args:
        folder: Where to make it.
        requirements: What to install there; all else is that of this session.
    """
    bin_folder = Path(sys.executable).parent
    uv = shutil.which("uv", path=f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        pytest.skip("needs uv, which `make .venv/.dev` installs if there is none")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    command: list[str | Path] = [uv, "pip", "install", "-q", "--python", python, *requirements]
    subprocess.run(command, check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    # Its own packages come first. The call also reads the links to editable packages.
    ours = sysconfig.get_path("purelib")
    (packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    return str(python)
