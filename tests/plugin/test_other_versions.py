"""The plugin with the oldest pytest that is supported, and with each way to import tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from other_packages import python_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from example import Example

FLOW = """
from prefectx import flow, load, task

@task
def double(x: int) -> int:
    return 2 * x

@flow
def twice(x: int) -> int:
    return load(double(double(x)))
"""

EVERYTHING = """
import os
import unittest
import pytest
from hypothesis import given, settings, strategies as st
from pytest_prefectx import assert_modes_agree, check_flow
from steps import double, twice

def test_in_each_mode(prefectx_mode, tmp_target):
    assert twice(3) == twice(3) == 12
    assert tmp_target.runs == {"double": 2 if prefectx_mode == "cache" else 4}

@pytest.mark.prefectx("cache")
def test_in_one(tmp_target): assert os.environ["PREFECTX"] == "cache"

@pytest.mark.prefectx("prefect")
def test_in_none(): pass

def test_modes(prefectx_modes): assert prefectx_modes == ("function", "cache")

def test_agree():
    assert_modes_agree(twice, 3)
    check_flow(twice, st.integers(), settings=settings(max_examples=3, database=None))

@pytest.mark.asyncio
async def test_asyncio(prefectx_mode, tmp_target): assert twice(1) == 4

@pytest.fixture
def anyio_backend(): return "asyncio"

@pytest.mark.anyio
async def test_anyio(prefectx_mode, tmp_target): assert twice(1) == 4

class TestIt(unittest.TestCase):
    def test_unittest(self): assert os.environ["PREFECTX"] == "function"
"""
COUNTS = {"passed": 10, "skipped": 1}

WITH_PREFECT = """
from prefectx import load
from steps import twice

def test_with_prefect(prefectx_mode, prefect_server, tmp_target):
    assert load(twice(3)) == 12
    assert prefect_server.flow_runs(flow_name="twice", expect=1)
"""

STATION = """
import numpy as np
import pandas as pd
from prefectx import flow, task

@task
def numbers(size: int) -> list[float]:
    return [float(2 * x) for x in range(size)] + [float("nan")]

@task(target="working/{funcname}/{base}.parquet")
def frame(numbers: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"x": numbers})

@task(target="working/{funcname}/{base}.npy")
def array(size: int) -> np.ndarray:
    return np.arange(size)

@flow
def report(size: int) -> object:
    array(size)
    return frame(numbers(size))
"""

FROZEN = """
from pathlib import Path
import pytest
from inline_snapshot import external_file
from pytest_prefectx.replay import freeze, frozen_calls
import station

if not Path("frozen").exists():
    freeze(station.report, {"size": 3}, "frozen")

@pytest.mark.parametrize("call", frozen_calls("frozen/test_frozen.py"), ids=str)
def test_call(call, tmp_target):
    assert external_file(call.file) == call.run()
"""


@pytest.fixture(scope="module")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with the oldest pytest."""
    folder = tmp_path_factory.mktemp("old") / "venv"
    return python_with(folder, "pytest==8.3.*", "pytest-asyncio==1.1.*", "pytest-xdist==3.6.*")


@pytest.mark.nightly
def test_the_oldest_pytest_runs_everything(
    example: Callable[..., Example], old_python: str
) -> None:
    """Modes, agreement, hypothesis, asyncio, anyio, unittest, and xdist."""
    project = example(EVERYTHING, steps=FLOW)
    project.python = old_python
    run = project.run().ends(**COUNTS).says("*pytest-8.3.*", "prefectx: modes=function,cache*")
    assert "OldTarget" not in run.stdout
    project.run("-n2").ends(**COUNTS)
    project.run("-p", "no:prefectx", "-k", "unittest", "--co").never_says("prefectx: modes*")


@pytest.mark.nightly
def test_the_oldest_pytest_starts_a_server(
    example: Callable[..., Example], old_python: str
) -> None:
    """With xdist too."""
    project = example(WITH_PREFECT, steps=FLOW)
    project.python = old_python
    project.run("--prefectx-mode=prefect.skip").ends(passed=1).starts_servers(1)
    project.run("--prefectx-mode=prefect.skip", "-n1").ends(passed=1).starts_servers(1)


@pytest.mark.nightly
@pytest.mark.parametrize("way", ["prepend", "append", "importlib"])
def test_each_way_to_import_tests_works(example: Callable[..., Example], way: str) -> None:
    """With a module of the same name in two folders, where pytest can have that."""
    project = example(EVERYTHING, steps=FLOW)
    project.run(f"--import-mode={way}").ends(**COUNTS)
    if way == "importlib":
        other = project.folder / "other" / "test_it.py"
        other.parent.mkdir()
        other.write_text((project.folder / "test_it.py").read_text())
        project.run(f"--import-mode={way}").ends(passed=20, skipped=2)


@pytest.mark.nightly
def test_frozen_outputs_are_files_of_inline_snapshot(
    example: Callable[..., Example], tmp_path: Path
) -> None:
    """An output that differs is written anew by `--inline-snapshot=fix`, in its own format."""
    project = example(
        FROZEN,
        station=STATION,
        conftest="from pytest_prefectx.replay import register_inline_formats\n"
        "register_inline_formats()",
    )
    project.python = python_with(tmp_path / "venv", "inline-snapshot")
    project.run("test_it.py").ends(passed=3)
    station = project.folder / "station.py"
    station.write_text(STATION.replace("2 * x", "3 * x"))
    # It says so when a test ends, and lets the assertion pass.
    project.run("test_it.py").ends(passed=3, error=1)
    project.run("test_it.py", "--inline-snapshot=fix")
    project.run("test_it.py").ends(passed=3)
