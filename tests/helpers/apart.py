"""Isolated tasks in a separate module, which their child processes can import."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import logging.handlers
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patience import PATIENCE

from prefectx import get_run_logger, task

if TYPE_CHECKING:
    from collections.abc import Generator

isolated = task(isolate=True)


class Refused(Exception):
    """An exception that only this module defines."""


class Traveller:
    """Writes down in which processes it is pickled and unpickled."""

    def __getstate__(self) -> dict[str, Any]:
        _note("saved")
        return {}

    def __setstate__(self, _state: object) -> None:
        _note("loaded")


def _note(what: str) -> None:
    with Path("travels").open("a") as file:
        file.write(f"{what} {os.getpid()}\n")


@isolated
def departure(_call: int) -> Traveller:
    Path("departed").write_text(str(os.getpid()))
    return Traveller()


@isolated
def arrival(_traveller: Traveller) -> int:
    return os.getpid()


@isolated
def pid(_call: int = 0) -> int:
    return os.getpid()


@isolated
def double(value: int) -> int:
    return 2 * value


@isolated
async def double_later(value: int) -> int:
    await asyncio.sleep(0)
    return 2 * value


@task
def plain_pid(_call: int = 0) -> int:
    return os.getpid()


@isolated(target=None)
def uncached(value: Any) -> Any:
    return value, os.getpid()


@isolated(store=None, target="out/{name}.txt")
def write(name: str) -> str:
    os.makedirs("out", exist_ok=True)
    Path(f"out/{name}.txt").write_text(name)
    return f"out/{name}.txt"


@isolated
def nested(value: int) -> list[int]:
    return [double(value), plain_pid(value), os.getpid()]


@isolated(target="refused/{value}")
def refuse(value: Any) -> None:
    msg = f"no {value}"
    raise Refused(msg, value)


@isolated(target=None)
def refuse_with_a_lock() -> None:
    raise LookupError(threading.Lock())


@isolated(target=None)
def give_a_lock() -> Any:
    return threading.Lock()


@isolated(target="died/{how}")
def die(how: str) -> None:
    if how == "exit":
        os._exit(3)
    if how == "SIGSEGV":
        ctypes.string_at(0)
    os.kill(os.getpid(), signal.Signals[how])


@isolated(target=None)
def speak(word: str) -> None:
    get_run_logger().info("run logger says %s", word)
    logging.getLogger("mylib.deep").warning("library says %s", word)
    logging.getLogger("mylib.deep").debug("nobody hears %s", word)
    print("printed", word)  # noqa: T201 - whether that is heard is the question
    print("complained", word, file=sys.stderr)  # noqa: T201


@isolated(target=None)
def last_words() -> None:
    get_run_logger().info("last words")
    os._exit(3)


@isolated(target=None)
def fork_and_die(note: str) -> None:
    """Leave a process that keeps all files open which this one has open."""
    if (pid := os.fork()) == 0:
        time.sleep(60)
        os._exit(0)
    write_down(note, pid)
    os._exit(3)


@task(target="told/{note}")
def wait_until_told(note: str) -> tuple[str, str]:
    """Wait until a log line says that this task still runs; return it, and whose line it is."""
    with told_lines() as lines:
        while note not in (record := lines.get(timeout=PATIENCE)).getMessage():
            pass
    return record.getMessage(), record.__dict__["task_run_id"]


@task(target="told/{note}")
async def wait_until_told_later(note: str) -> tuple[str, str]:
    """Do the same while the event loop goes on."""
    with told_lines() as lines:
        record = await asyncio.to_thread(lines.get, timeout=PATIENCE)
        while note not in record.getMessage():
            record = await asyncio.to_thread(lines.get, timeout=PATIENCE)
    return record.getMessage(), record.__dict__["task_run_id"]


@contextmanager
def told_lines() -> Generator[queue.SimpleQueue[logging.LogRecord]]:
    """Give what the loggers of task runs get."""
    told: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(told)
    log = logging.getLogger("prefect.task_runs")
    log.addHandler(handler)
    try:
        yield told
    finally:
        log.removeHandler(handler)


@isolated(target=None)
def wait_for_ever(note: str) -> None:
    """Write down the own process and one that it starts; then wait."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        try:
            write_down(note, os.getpid(), process.pid)
            process.wait()
        finally:
            process.kill()


@isolated(target=None)
async def wait_for_ever_later(note: str) -> None:
    write_down(note, os.getpid())
    await asyncio.sleep(1000)


@isolated(target=None)
def hold_for_ever(note: str) -> None:
    """Write down the own process; then let no other thread run, and no signal handler."""
    write_down(note, os.getpid())
    sum(range(10**14))


def write_down(note: str, *pids: int) -> None:
    """Write numbers to a file that is there whole or not at all."""
    Path(f"{note}.new").write_text(" ".join(map(str, pids)))
    Path(f"{note}.new").rename(note)


def hold_gil(seconds: int) -> int:
    """Sleep without giving the lock up that Python's threads need to run."""
    left: int = ctypes.PyDLL(None).sleep(seconds)
    return left


@task(target="held/{seconds}-{_call}")
def hold(seconds: int, _call: int = 0) -> float:
    start = time.monotonic()
    hold_gil(seconds)
    return time.monotonic() - start


hold_apart = hold.with_options(isolate=True)
