"""Ctrl-C while tasks run in the background: the message, and the second Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from prefectx._logs.terminal import hide_block
from prefectx._words import counted

if TYPE_CHECKING:
    from types import FrameType

    from prefectx._calls.report import Report

_INTERRUPTED: Final = 130
"""The exit code of a process that Ctrl-C ends, as in shells."""


def stop(futures: set[Any], report: Report) -> None:
    """Print what is still running; let the next Ctrl-C end the process at once.

    Writes are atomic, so it leaves no partial output.

    Args:
        futures: The submitted calls that have not ended.
        report: The run's report so far.
    """
    done = sum(line.calls for line in report.tasks)
    running = sum(map(_is_running, list(futures)))
    sys.stderr.write(
        f"stopped: {done:,} of {done + len(futures):,} done; waiting for"
        f" {counted(running, 'running task')}, Ctrl-C again to kill them\n"
    )
    sys.stderr.flush()
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGINT, _exit)
        report.at_end = lambda: signal.signal(signal.SIGINT, before)


def _is_running(future: Any) -> bool:
    wrapped = getattr(future, "wrapped_future", None)
    running = getattr(wrapped, "running", None)
    if running is None or hasattr(wrapped, "wrapped_future"):
        # A pool of processes shows only whether a call has ended.
        return not getattr(wrapped, "done", bool)()
    return bool(running())


def _exit(_signal: int, _frame: FrameType | None) -> None:
    hide_block()
    os._exit(_INTERRUPTED)
