"""The mutants fit the code as it is, and the script that judges them works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE

HERE = Path(__file__).resolve().parent
PREFECTX = HERE.parent.parent / "prefectx"

sys.path.insert(0, str(HERE))
from mutants import MUTANTS, Mutant  # noqa: E402 - it lies beside this file

sys.path.remove(str(HERE))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_fits_the_code_and_is_python(mutant: Mutant) -> None:
    source = (PREFECTX / mutant.file).read_text()
    planted = mutant.planted_in(source)
    assert planted != source
    compile(planted, mutant.file, "exec")


def test_no_two_mutants_have_one_name() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_a_mutant_that_is_out_of_date_says_so() -> None:
    stale = Mutant("old", "call.py", "no such line", "")
    with pytest.raises(ValueError, match=r"'old' is out of date: 'no such line' is in .* 0 times"):
        stale.planted_in((PREFECTX / stale.file).read_text())


@pytest.mark.nightly
def test_one_bug_is_noticed_and_no_bug_is_not() -> None:
    ended = subprocess.run(
        [sys.executable, str(HERE), "the kind of a sequence"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    sound, killed, summary = ended.stdout.splitlines()
    assert sound.startswith("no bug: no check fails")
    assert ": killed by test_modes_agree[mixed-]" in killed
    assert summary.startswith("killed 1 of 1")
