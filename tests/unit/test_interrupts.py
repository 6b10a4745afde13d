"""Tests that interrupt processes do not depend on who started the session."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from quick_pytest import QUICK

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
INTERRUPTS = "tests/stores/test_crashes.py"
NAME = "test_ctrl_c_in_the_middle_leaves_nothing_and_the_next_run_makes_it"


def ignore() -> None:
    """Ignore Ctrl-C, as a shell does for what it runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def block() -> None:
    """Block Ctrl-C, as a process does whose own threads wait for it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


@pytest.mark.parametrize("deafen", [ignore, block])
def test_ctrl_c_reaches_what_tests_start_wherever_the_session_runs(
    deafen: Callable[[], None],
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *QUICK, INTERRUPTS, "-k", NAME, "--prefectx-mode=cache"],
        cwd=ROOT,
        preexec_fn=deafen,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
