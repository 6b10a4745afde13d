"""Simple tasks for tests that need any task."""

from __future__ import annotations

from prefectx import task


@task
def double(x: int) -> int:
    return 2 * x
