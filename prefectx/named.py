"""The names of the run under way, where Prefect does not run it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_run_names: ContextVar[dict[str, str] | None] = ContextVar("prefectx_run_names", default=None)

def run_names() -> dict[str, str] | None:
    """Return the names, as `task_run_name` and `task_name`, or None outside any run."""
    return _run_names.get()


@contextmanager
def named_run(**names: str) -> Generator[None]:
    """Put `names`, as `task_run_name` and `task_name`, on what is logged within."""
    token = _run_names.set({**(_run_names.get() or {}), **names})
    try:
        yield
    finally:
        _run_names.reset(token)
