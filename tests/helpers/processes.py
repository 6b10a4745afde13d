"""Processes that tests start: all in the current folder, in mode `cache`."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import psutil
from patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable


def command_of(process: psutil.Process) -> str:
    """Return the command of a process, "" of one that has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        # Of those that its parent has not waited for yet too: psutil.ZombieProcess is one.
        return ""


def next_line(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process writes, whose output is a pipe."""
    assert process.stdout is not None
    return process.stdout.readline()


def started(code: str, *arguments: Any, **options: Any) -> subprocess.Popen[str]:
    """Start Python on the code, with the arguments in `sys.argv`."""
    return subprocess.Popen(
        [sys.executable, "-c", dedent(code), *map(str, arguments)],
        env={**os.environ, "PREFECTX": "cache"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@contextmanager
def running(code: str, *arguments: object) -> Generator[subprocess.Popen[str]]:
    """Start Python on the code; kill it when the block ends, if it still runs."""
    with started(code, *arguments) as process:
        try:
            yield process
        finally:
            process.kill()


def outputs_of(code: str, each: Iterable[object]) -> list[str]:
    """Run the code in as many processes at once as there are arguments; return what they print."""
    with ExitStack() as stack:
        processes = [stack.enter_context(running(code, argument)) for argument in each]
        ended = [process.communicate(timeout=PATIENCE) for process in processes]
    assert [errors for _, errors in ended] == [""] * len(ended)
    assert [process.returncode for process in processes] == [0] * len(ended)
    return [output for output, _ in ended]
