"""Flows that observe how a task runs, besides what it gives; warm, each: it does not run."""

from __future__ import annotations

import io
import logging
import os
import time
import warnings
import weakref
from contextlib import redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import ClassVar
from unittest.mock import Mock

from specimens import Defect

from prefectx import flow, load, task

LOG = logging.getLogger("zoo")
LOG.setLevel(logging.INFO)


@task
def announced(name: str) -> str:
    print(f"reading {name}")  # noqa: T201
    return name.upper()


# printed text.
@flow
def printed() -> str:
    text = io.StringIO()
    with redirect_stdout(text):
        load(announced("north"))
    return text.getvalue()


@task
def logged(name: str) -> str:
    LOG.info("reading %s", name)
    return name.upper()


class _List(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


# log records.
@flow
def messages() -> list[str]:
    handler = _List()
    LOG.addHandler(handler)
    try:
        load(logged("north"))
    finally:
        LOG.removeHandler(handler)
    return handler.messages


@task
def doubtful(value: float) -> float:
    if value < 0:
        warnings.warn("negative", UserWarning, stacklevel=2)
    return abs(value)


# warnings.
@flow
def number_of_warnings() -> int:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(doubtful(-1.0))
    return len(caught)


class Client:
    def __init__(self) -> None:
        self.get = Mock(return_value=5)


CLIENT = Client()


@task
def fetched(name: str) -> int:
    return int(CLIENT.get(name))


# calls of a mock.
@flow
def number_of_calls() -> int:
    CLIENT.get.reset_mock()
    load(fetched("north"))
    return int(CLIENT.get.call_count)


SEEN: list[str] = []


def note(name: str) -> None:
    SEEN.append(name)


@task
def with_callback(name: str) -> str:
    note(name)
    return name.upper()


# calls of a callback.
@flow
def called_back() -> list[str]:
    SEEN.clear()
    load(with_callback("north"))
    return [*SEEN]


@task
def slow(seconds: float) -> float:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return seconds


# elapsed time.
@flow
def is_slow() -> bool:
    start = time.perf_counter()
    load(slow(0.2))
    return time.perf_counter() - start > 0.1


@task
def plotted(name: str) -> str:
    Path(f"{name}.svg").write_text("<svg/>")
    return name


# files, found by their names; lost, with the files of the others there.
@flow
def plots() -> list[str]:
    for old in Path().glob("*.svg"):
        old.unlink()
    load([plotted("a"), plotted("b")])
    return sorted(path.name for path in Path().glob("*.svg"))


@task
def be_private(mask: int) -> int:
    os.umask(mask)
    return mask


# permissions of files.
@flow
def permissions() -> int:
    before = os.umask(0o022)
    try:
        Path("notes.txt").unlink(missing_ok=True)
        load(be_private(0o077))
        Path("notes.txt").touch()
        return Path("notes.txt").stat().st_mode & 0o777
    finally:
        os.umask(before)


USER: ContextVar[str] = ContextVar("zoo_observed_user", default="nobody")


@task
def log_in(name: str) -> str:
    USER.set(name)
    return name


# a context variable.
@flow
def user() -> str:
    load(log_in("ann"))
    return USER.get()


class Node:
    alive: ClassVar[weakref.WeakSet[Node]] = weakref.WeakSet()

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive.add(self)


@task
def node(name: str) -> Node:
    return Node(name)


# objects that are alive.
@flow
def number_alive() -> int:
    Node.alive.clear()
    leaf = load(node("leaf"))
    return len(leaf.alive)


DEFECTS = [
    Defect(permissions, "side-effect", ("be_private", "umask")),
    Defect(user, "side-effect", ("log_in", "USER")),
    Defect(number_alive, "side-effect", ("node",)),
    Defect(printed, "side-effect", ("announced", "prints")),
    Defect(messages, "side-effect", ("logged", "logs")),
    Defect(number_of_warnings, "side-effect", ("doubtful", "warns")),
    Defect(number_of_calls, "side-effect", ("fetched", "CLIENT")),
    Defect(called_back, "side-effect", ("with_callback", "SEEN")),
    Defect(is_slow, "side-effect", ("slow", "time")),
    Defect(plots, "side-effect", ("plotted", ".svg")),
]
