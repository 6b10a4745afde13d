"""Each defect is found and explained; on correct flows the harness is silent."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, get_args

import correct
import defects
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from quick_pytest import QUICK

from pytest_prefectx import ModesDisagree, assert_modes_agree, check_flow
from pytest_prefectx.agree.origin import can_fork
from pytest_prefectx.agree.reasons import Kind

if TYPE_CHECKING:
    from specimens import Correct, Defect

# Some specimens leave a database open on purpose, of which Python 3.13 warns when it is collected.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
    pytest.mark.filterwarnings(
        "ignore:.*sqlite3.Connection:pytest.PytestUnraisableExceptionWarning"
    ),
]


def needs_prefect(specimen: Defect | Correct) -> bool:
    return "prefect" in specimen.modes


def found(defect: Defect) -> ModesDisagree:
    with pytest.raises(ModesDisagree) as caught:
        assert_modes_agree(defect.flow, calls=defect.calls, modes=defect.modes)
    return caught.value


def explained(defect: Defect) -> None:
    error = found(defect)
    assert error.reason is not None, str(error)
    assert error.reason.kind == defect.reason, str(error)
    assert [name for name in defect.names if name not in str(error)] == [], str(error)


@pytest.mark.parametrize("defect", [d for d in defects.ALL if not needs_prefect(d)], ids=str)
def test_defect_is_found_and_explained(
    defect: Defect, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_fresh = can_fork() and "distributed" not in sys.modules
    if is_fresh or not defect.needs_fresh_process:
        explained(defect)
        return
    monkeypatch.chdir(request.config.rootpath)
    test = f"{request.path}::{request.node.name}"
    command = [sys.executable, "-m", "pytest", *QUICK, "-q", "--prefectx-mode=function,cache", test]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.prefectx("prefect")
@pytest.mark.parametrize("defect", [*filter(needs_prefect, defects.ALL)], ids=str)
def test_defect_that_shows_in_prefect_is_found_and_explained(defect: Defect) -> None:
    explained(defect)


@pytest.mark.parametrize("specimen", [c for c in correct.ALL if not needs_prefect(c)], ids=str)
def test_correct_flow_raises_no_alarm(specimen: Correct) -> None:
    assert_modes_agree(specimen.flow, calls=specimen.calls, modes=specimen.modes)


def depends_on_input(specimen: Defect | Correct) -> bool:
    return len(specimen.calls) > 1 and not needs_prefect(specimen)


def searched(specimen: Defect | Correct) -> None:
    arguments = [st.sampled_from(values) for values in zip(*specimen.calls, strict=True)]
    few = settings(max_examples=15, database=None, derandomize=True)
    check_flow(specimen.flow, *arguments, modes=specimen.modes, settings=few)


@pytest.mark.parametrize("defect", [*filter(depends_on_input, defects.ALL)], ids=str)
def test_defect_that_depends_on_the_input_is_found_by_a_search(defect: Defect) -> None:
    with pytest.raises(ModesDisagree):
        searched(defect)


@pytest.mark.parametrize("specimen", [*filter(depends_on_input, correct.ALL)], ids=str)
def test_correct_flow_raises_no_alarm_in_a_search(specimen: Correct) -> None:
    searched(specimen)


@pytest.mark.prefectx("prefect.skip")
def test_correct_flows_raise_no_alarm_with_prefect(prefectx_mode: str) -> None:
    """A flow run takes a while, so this takes every tenth."""
    for specimen in correct.ALL[::10]:
        assert_modes_agree(
            specimen.flow, calls=specimen.calls, modes=("function", prefectx_mode, "prefect.cache")
        )


def test_the_zoo_has_every_kind_of_reason() -> None:
    assert {defect.reason for defect in defects.ALL} == set(get_args(Kind))
