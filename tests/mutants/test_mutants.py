"""The mutants fit the code as it is, and the script that judges them works."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

sys.path.insert(0, str(HERE))
from mutants import MUTANTS, Mutant  # noqa: E402 - it lies beside this file

sys.path.remove(str(HERE))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_has_a_function_to_replace(mutant: Mutant) -> None:
    namespace = vars(importlib.import_module(mutant.module))
    _, name, wrong = mutant.plant(namespace)
    assert callable(wrong)
    assert name == mutant.function.rpartition(".")[2]


def test_no_two_mutants_have_one_name() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_a_mutant_that_is_out_of_date_says_so() -> None:
    stale = Mutant("old", "prefectx.records", "no_such_function", lambda right: right)
    with pytest.raises(LookupError, match="'old' is out of date: there is no no_such_function in"):
        stale.plant({})


@pytest.mark.nightly
def test_one_bug_is_noticed_and_no_bug_is_not() -> None:
    ended = subprocess.run(
        [sys.executable, str(HERE), "the kind of a sequence"],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    sound, killed, summary = ended.stdout.splitlines()
    assert sound.startswith("no bug: no check fails")
    assert ": killed by test_modes_agree[mixed-]" in killed
    assert summary.startswith("killed 1 of 1")
