"""A task and a flow for tests that need any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefectx import flow, task


@task
def double(x: int) -> int:
    return 2 * x


@task(target="out/{funcname}/{where}-{x}")
def half(x: int) -> int:
    if x % 2:
        raise ValueError(f"{x} is odd")
    return x // 2


@flow
def run(decorated: Callable[[Any], Any], *values: Any) -> Any:
    """One run: a call for each value."""
    return [decorated(value) for value in values]
