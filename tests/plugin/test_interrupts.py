"""The state after pytest was stopped in the middle of a Prefect test."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from example import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from example import Example

WAITS = """
import multiprocessing, os, time
from prefect import flow
from pytest_prefectx.session import SESSION

@flow
def waits(server):
    # A forked process that outlives pytest keeps its pipes open.
    fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(120,), daemon=True)
    fork.start()
    with open("ids.tmp", "w") as ids:
        ids.write(f"{server} {fork.pid}")
    os.rename("ids.tmp", "ids")
    fork.join()

def test_waits(prefect_server, pytestconfig):
    waits(pytestconfig.stash[SESSION].server.process.pid)
"""


def is_running(pid: int) -> bool:
    """Tell whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_stops_the_server_and_removes_its_folder(example: Callable[..., Example]) -> None:
    """Nothing is left by the time that pytest has ended, with its exit code for this."""
    project = example(WAITS)
    with project.start() as pytest_process:
        server, _ = map(int, pytest_process.read("ids").split())
        assert is_running(server)
        assert pytest_process.end(signal.SIGINT) == pytest.ExitCode.INTERRUPTED
    assert not is_running(server)
    project.sees_nothing_left()


def test_a_killed_pytest_takes_the_server_and_its_folder_with_it(
    example: Callable[..., Example],
) -> None:
    """Also when a process that was forked from it lives on."""
    project = example(WAITS)
    with project.start() as pytest_process:
        server, fork = map(int, pytest_process.read("ids").split())
        assert is_running(server)
        pytest_process.end(signal.SIGKILL)
    try:
        wait_until(lambda: not is_running(server))
        project.sees_nothing_left()
        assert is_running(fork)
    finally:
        os.kill(fork, signal.SIGKILL)
