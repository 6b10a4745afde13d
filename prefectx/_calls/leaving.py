"""Exceptions that leave a call from the user's code: with the user's frames, or as another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._calls.nesting import nested_too_deeply
from prefectx._values.tracebacks import hide_own_frames

if TYPE_CHECKING:
    from collections.abc import Coroutine


class leave_call:  # noqa: N801 - used as a function
    """A context manager for a call from the user's code: exceptions leave it as the user's.

    They show the user's frames only.

    Args:
        what: What was called, such as `flow 'load'`.
    """

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            before_leaving(error, self._what)


def before_leaving(error: BaseException, what: str) -> None:
    """Hide our frames in an exception that leaves a call; `raise` does not add the last one again.

    Raises:
        NestedTooDeeply: Instead of it, if nested calls have filled the stack.
    """
    if (full := nested_too_deeply(error, what)) is not None:
        raise full from None
    hide_own_frames(error)


async def leave_coroutine(running: Coroutine[Any, Any, Any], what: str) -> Any:
    """Async version of `leave_call`: await a coroutine."""
    with leave_call(what):
        return await running
