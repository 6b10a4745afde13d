"""Flows whose tasks log in every way, in a module of its own: they travel by reference."""

from __future__ import annotations

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chatty

from prefectx import flow, get_run_logger, logs, task

if TYPE_CHECKING:
    from types import ModuleType


@task(name="count {word}")
def count(word: str) -> int:
    get_run_logger().info("counts %s", word)
    chatty.work(word)
    return len(word)


@flow
def total(words: list[str]) -> Any:
    get_run_logger().info("begins")
    chatty.work("all")
    return [count(word) for word in words]


@flow
def spread(words: list[str]) -> Any:
    return count.map(words)


@task(name="thread {word}", target=None)
def in_threads(word: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(logs.in_run(chatty.work), [f"{word} 1", f"{word} 2"]))


@task(name="print {word}", target=None, log_prints=True)
def prints(word: str) -> None:
    print("prints", word)  # noqa: T201 - what the test is about


@task(name="kill {word}", target=None)
def kills_once(word: str, mark: Path) -> None:
    """Kill the process at the first time; log at the second."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    chatty.work(word)


def place(module: ModuleType, code: str) -> str:
    """Return `file:line` of the line of a module that holds `code`."""
    path = Path(str(module.__file__))
    lines = path.read_text(encoding="utf-8").splitlines()
    (found,) = (number for number, line in enumerate(lines, 1) if code in line)
    return f"{path.name}:{found}"


def logged(text: str) -> list[str]:
    """Return the lines of code of runs, without their times and without what Prefect itself says.

    Flow runs have names of Prefect's making.
    """
    lines = re.findall(r"(?m)^\d\d:\d\d:\d\d\.\d{3} \| (.*\w+\.py:\d+ - .*)$", text)
    return [re.sub(r"Flow run '[^']+'", "Flow run 'NAME'", line) for line in lines]
