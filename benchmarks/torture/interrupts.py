"""Ctrl-C at any moment, many times in one process: what is left open, locked or torn?"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from report import Report

from prefectx import load, task, use_mode

if TYPE_CHECKING:
    from types import FrameType

_OUTPUTS = 400


def run(interrupts: int) -> Report:
    """Interrupt a process of its own that often; return what it has found afterwards.

    Args:
        interrupts: How often.
    """
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        command = [sys.executable, __file__, str(interrupts)]
        ended = subprocess.run(  # noqa: S603 - a command of our own
            command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True
        )
        tried, torn, still_open = json.loads(ended.stdout)
        left = [path for path in Path(folder).rglob("*") if path.suffix in {".lock", ".tmp"}]
        return Report(tried=tried, torn=torn, left=still_open + len(left))


@task(once=True)
def _locked(number: int) -> list[int]:
    return list(range(number))


@task(target="working/{funcname}/{number}.json")
def _stored(number: int) -> list[int]:
    return [number]


@task
def _large(number: int) -> bytes:
    return bytes(50_000 + number)


def _torn(number: int) -> int:
    """Make three outputs, or find them; return how many are not what they should be."""
    return (
        (load(_locked(number)) != list(range(number)))
        + (load(_stored(number)) != [number])
        + (len(load(_large(number))) != 50_000 + number)
    )


class _Interrupted:
    """Works until it was interrupted so often."""

    def __init__(self, interrupts: int) -> None:
        self._interrupts = interrupts
        self._heard, self._ended = threading.Event(), threading.Event()
        self._is_working = False
        self.torn = self.times = 0

    def run(self) -> None:
        signal.signal(signal.SIGINT, self._hear)
        thread = threading.Thread(target=self._interrupt, daemon=True)
        thread.start()
        number = 0
        while not self._ended.is_set():
            try:
                self._is_working = True
                while not self._ended.is_set():
                    number += 1
                    self.torn += _torn(number % _OUTPUTS)
            except KeyboardInterrupt:
                self.times += 1
            self._is_working = False
            self._heard.set()
        thread.join()

    def _interrupt(self) -> None:
        for number in range(self._interrupts):
            self._heard.clear()
            # At moments that are no multiple of anything.
            time.sleep(number * 7919 % 101 / 50_000)
            os.kill(os.getpid(), signal.SIGINT)
            # Not before the last one was heard: two at once are one.
            self._heard.wait()
        self._ended.set()

    def _hear(self, _signal: int, _frame: FrameType | None) -> None:
        if self._is_working:
            raise KeyboardInterrupt
        self._heard.set()


def _opened() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def main() -> None:
    """Print how often it was interrupted, how much was torn, and how much is still open."""
    with use_mode("cache"):
        _torn(0)
        before, interrupted = _opened(), _Interrupted(int(sys.argv[1]))
        interrupted.run()
        torn = interrupted.torn + sum(map(_torn, range(_OUTPUTS)))
    print(json.dumps([interrupted.times, torn, _opened() - before]))


if __name__ == "__main__":
    main()
