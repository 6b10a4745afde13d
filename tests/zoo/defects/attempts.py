"""Tasks and flows that fail at first, or take long, and that only some modes try again or stop."""

from __future__ import annotations

import time
from typing import Any

from specimens import Defect

from prefectx import flow, load, task

CALLS: dict[str, int] = {}


def first_time(name: str) -> bool:
    CALLS[name] = CALLS.get(name, 0) + 1
    return CALLS[name] == 1


@task(retries=2)
def downloaded(name: str) -> str:
    if first_time("download"):
        raise ConnectionError(name)
    return name.upper()


# cold; mode function does not try again.
@flow
def download() -> str:
    return downloaded("north")


@task(retries=1, target="out/{funcname}")
def collected(rows: list[int]) -> int:
    rows.append(len(rows))
    if first_time("collect"):
        raise OSError(rows)
    return len(rows)


# cold; the second attempt finds what the first has left in its argument.
@flow
def collection() -> int:
    return collected([1])


def is_busy(task: Any, run: Any, state: Any) -> bool:
    return "busy" in str(state.data)


@task(retries=1, retry_condition_fn=is_busy)
def asked(name: str) -> str:
    if first_time("ask"):
        raise RuntimeError(f"{name} is busy")
    return name


# cold; a function says what is tried again. The flow catches the error.
@flow
def answers() -> list[str]:
    try:
        return [load(asked("north"))]
    except RuntimeError:
        return []


@task(timeout_seconds=0.1)
def waited(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


# cold; mode function waits to the end.
@flow
def waits() -> float:
    return waited(0.3)


@task(target=None)
def opened(name: str) -> str:
    if first_time("open"):
        raise PermissionError(name)
    return name


# in `prefect`, for only Prefect tries flows again.
@flow(retries=1)
def opening() -> str:
    return opened("north")


DEFECTS = [
    Defect(download, "retries", ("downloaded", "retries")),
    Defect(collection, "retries", ("collected", "retries")),
    Defect(answers, "retries", ("asked", "retries")),
    Defect(waits, "retries", ("waited", "timeout_seconds")),
    Defect(opening, "retries", ("opening", "retries"), modes=("function", "prefect")),
]
