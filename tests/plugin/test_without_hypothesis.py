"""Without hypothesis, what needs it says so; what does not works."""

from __future__ import annotations

import subprocess
import sys

import pytest

HIDDEN = """
import sys
sys.modules["hypothesis"] = None  # as if it were not installed
from prefectx.errors import MissingExtra
import pytest_prefectx
"""


@pytest.mark.parametrize("name", ["check_flow", "given_modes", "ModeMachine", "StoreMachine"])
def test_what_needs_hypothesis_says_how_to_install_it(name: str) -> None:
    code = f"""{HIDDEN}
try:
    pytest_prefectx.{name}
except MissingExtra as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    message = f'pytest_prefectx.{name} needs hypothesis: pip install "prefectx[test]"'
    assert ended.stdout.strip() == message


def test_assert_modes_agree_needs_no_hypothesis() -> None:
    code = f"{HIDDEN}\nprint(pytest_prefectx.assert_modes_agree.__name__)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "assert_modes_agree"
