"""Tasks and flows of a module of its own, which the workers of a cluster import."""

from __future__ import annotations

import os
import time
from typing import Any

from prefectx import flow, task


@task(name="{funcname}-{value}")
def double(value: int) -> int:
    return 2 * value


@task
def total(values: list[int]) -> int:
    return sum(values)


@task(target=None)
def zeros(size: int) -> bytes:
    return bytes(size)


@task(target=None)
def length(data: bytes) -> int:
    return len(data)


@task(target=None)
def variable(name: str) -> str | None:
    return os.environ.get(name)


@task(target=None, name="{funcname} {label}")
def wait_for_file(path: str, label: str) -> str:
    """Say that it runs, in `path`.started, then wait until there is a file at `path`."""
    with open(f"{path}.started", "w", encoding="utf-8"):
        pass
    while not os.path.exists(path):
        time.sleep(0.01)
    return label


@task(target=None)
def note(path: str, word: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{word}\n")


@task(target=None)
def here() -> str:
    from distributed import get_worker

    return get_worker().address


@flow
def chain(count: int) -> Any:
    doubled = double.map(range(count))
    return total.submit(doubled)
