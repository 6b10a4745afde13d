"""Signs of life of the flows that run: live lines on a terminal, elsewhere a line a minute.

One thread looks at the counts that the reports keep anyway; it ends with the last flow.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from prefectx._logs.terminal import open_block
from prefectx._settings.summary import is_summary_wanted

if TYPE_CHECKING:
    from prefectx._calls.report import Report

#: The time between two lines of one flow without a terminal, in seconds.
MINUTE: Final = 60.0
_FIRST: Final = 1.0
_OFTEN: Final = 0.25


class _Watcher:
    """The reports of the outermost flows that run, and the thread that looks at them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[Report, float] = {}
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, report: Report) -> None:
        with self._lock:
            self._due[report] = MINUTE
            if self._thread is None:
                self._ended = threading.Event()
                self._thread = threading.Thread(
                    target=self._look, args=(self._ended,), name="prefectx-live", daemon=True
                )
                self._thread.start()

    def remove(self, report: Report) -> None:
        with self._lock:
            if self._due.pop(report, None) is None or self._due:
                return
            thread, self._thread = self._thread, None
            self._ended.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _look(self, ended: threading.Event) -> None:
        if ended.wait(_FIRST):
            return
        block = open_block()
        try:
            while True:
                with self._lock:
                    due = dict(self._due)
                if block is not None:
                    block.draw([line for report in due for line in report.live_lines()])
                else:
                    self._print_due(due)
                if ended.wait(_FIRST if block is None else _OFTEN):
                    return
        finally:
            if block is not None:
                block.close()

    def _print_due(self, due: dict[Report, float]) -> None:
        for report, seconds in due.items():
            if report.seconds < seconds:
                continue
            with self._lock:
                if report in self._due:
                    self._due[report] = report.seconds + MINUTE
            # Standard error may be closed.
            with suppress(OSError, ValueError):
                report.print(report.live_line())


class _Watching:
    """The watcher of this process."""

    watcher = _Watcher()


def begin_live(report: Report) -> None:
    """Show what a run does, until `end_live`, unless the setting `summary` is off."""
    if is_summary_wanted():
        _Watching.watcher.add(report)


def end_live(report: Report) -> None:
    """Show a run no more; leave nothing on the screen."""
    _Watching.watcher.remove(report)


def _forget() -> None:
    # A child process has its parent's objects, but not its thread.
    _Watching.watcher = _Watcher()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
