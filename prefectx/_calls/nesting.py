"""Calls of flows and tasks within one another, until Python's stack is full."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Final

from prefectx.errors import NestedTooDeeply

if TYPE_CHECKING:
    from types import CodeType, FrameType

_FEWEST: Final = 10
"""The number of nested calls below which something else has filled the stack."""

_entries: Final[set[CodeType]] = set()


def register_calls(entry: CodeType) -> None:
    """Register the code of a function through which calls of flows or tasks pass."""
    _entries.add(entry)


def nested_too_deeply(error: BaseException, what: str) -> NestedTooDeeply | None:
    """Return the error for a stack that nested calls have filled; None for any other error.

    A function of the user's that calls itself without end keeps its `RecursionError`.

    Args:
        error: The exception that a call of a flow or task has raised.
        what: What was called, such as `flow 'load'`.
    """
    if not isinstance(error, RecursionError) or isinstance(error, NestedTooDeeply):
        return None
    depth, frames = _nested_calls(inspect.currentframe())
    if depth < _FEWEST or _frames_below(error) > frames:
        return None
    limit = sys.getrecursionlimit()
    msg = (
        f"{what} was called within {depth} other calls of flows and tasks, and Python's stack of"
        f" {limit:,} frames is full: each call takes some {frames // depth} of them in this mode."
        " Call it in a loop, or let a plain function call itself; or give Python more frames"
        f" before the first call: sys.setrecursionlimit({4 * limit})."
    )
    return NestedTooDeeply(msg)


def _nested_calls(frame: FrameType | None) -> tuple[int, int]:
    """Return how many calls of flows and tasks are on the stack, and how many frames."""
    depth = frames = 0
    while frame is not None:
        depth += frame.f_code in _entries
        frames += 1
        frame = frame.f_back
    return depth, frames


def _frames_below(error: BaseException) -> int:
    count, traceback = 0, error.__traceback__
    while traceback is not None:
        count += 1
        traceback = traceback.tb_next
    return count
