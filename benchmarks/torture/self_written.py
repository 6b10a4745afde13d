"""Processes whose tasks write their own files are killed: does half a file count as done?"""

from __future__ import annotations

import os
import random
import tempfile
import time
from contextlib import chdir
from pathlib import Path
from typing import Any, NoReturn

from forks import child_of, end_child, wait_for
from report import Report

from prefectx import load, task, use_mode
from prefectx.stores import Filestore

_LONGEST = 0.03
"""How many seconds after its first output a child is killed at the latest."""

_HALF = 3_000
"""How many lines are written before and after a pause."""


def run(kills: int, *, once: bool) -> Report:
    """Kill that many processes, one after the other, and look at all files after each.

    Args:
        kills: How many.
        once: Whether the task is one with `once=True`.
    """
    drawn = random.Random(0)  # noqa: S311 - torture can be repeated
    total = Report()
    with tempfile.TemporaryDirectory(prefix="torture-") as folder, chdir(folder):
        for _ in range(kills):
            Path("done").write_text("")
            child = child_of(lambda: _fill(once))
            wait_for(child, _done)
            time.sleep(drawn.uniform(0, _LONGEST))
            end_child(child)
            total += _looked_at(once)
            _lose_some(drawn)
        return total + Report(left=len(list(Path().rglob("locks/*"))))


def _task(once: bool) -> Any:
    return task(target="out/{number}.txt", store=None, once=once)(_write)


def _write(number: int) -> str:
    path = f"out/{number}.txt"
    os.makedirs("out", exist_ok=True)
    with open("runs", "a", encoding="utf-8") as file:
        file.write(f"{number}\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{number}\n" * _HALF)
        file.flush()
        time.sleep(0.001)
        file.write(f"{number}\n" * _HALF)
    return path


def _fill(once: bool) -> NoReturn:
    write, number = _task(once), 0
    descriptor = os.open("done", os.O_WRONLY | os.O_APPEND)
    while True:
        with use_mode("cache"):
            load(write(number))
        os.write(descriptor, f"{number}\n".encode())
        number += 1


def _done() -> list[int]:
    # The last line may have been cut short.
    lines = Path("done").read_text().splitlines(keepends=True)
    return [int(line) for line in lines if line.endswith("\n")]


def _looked_at(once: bool) -> Report:
    """Call the task again for what was reported as done and for what lies there."""
    total, done, write = Report(), set(_done()), _task(once)
    there = {int(path.stem) for path in Path("out").iterdir()}
    for number in sorted(done | there):
        Path("runs").write_text("")
        with use_mode("cache"):
            text = Path(load(write(number))).read_text()
        again = bool(Path("runs").read_text())
        total += Report(
            tried=1,
            lost=again and number in done,
            torn=text != f"{number}\n" * (2 * _HALF),
        )
    # A file of the lock that it held is removed by who takes the lock next.
    with Filestore().lock(f"out/{max(done) + 1}.txt"):
        return total


def _lose_some(drawn: random.Random) -> None:
    """Remove some files, so that the next child writes them anew."""
    for path in Path("out").iterdir():
        if drawn.random() < 1 / 2:
            path.unlink()
