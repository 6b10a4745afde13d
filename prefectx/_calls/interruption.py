"""Ctrl-C while tasks run in the background: what is said, and what a second one does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import FrameType

    from prefectx._calls.report import Report

_INTERRUPTED: Final = 130
"""The exit code of a process that ends by Ctrl-C, as shells have it."""


def stop(futures: set[Any], report: Report) -> None:
    """Say what is still running; let the next Ctrl-C end the process at once.

    Outputs appear whole or not at all, so nothing half-written is left by it.

    Args:
        futures: What was submitted and has not ended.
        report: What the run has done so far.
    """
    done = sum(line.calls for line in report.tasks)
    running = sum(map(_is_running, list(futures)))
    plural = "task" if running == 1 else "tasks"
    sys.stderr.write(
        f"stopped: {done:,} of {done + len(futures):,} done; waiting for {running} running"
        f" {plural}, Ctrl-C again to kill them\n"
    )
    sys.stderr.flush()
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGINT, _exit)
        report.at_end = lambda: signal.signal(signal.SIGINT, before)


def _is_running(future: Any) -> bool:
    wrapped = getattr(future, "wrapped_future", None)
    running = getattr(wrapped, "running", None)
    if running is None or hasattr(wrapped, "wrapped_future"):
        # Of a call in a pool of processes only its end can be seen.
        return not getattr(wrapped, "done", bool)()
    return bool(running())


def _exit(_signal: int, _frame: FrameType | None) -> None:
    os._exit(_INTERRUPTED)
