"""The pauses of one who waits for a lock: in short steps, so that the wait can always be ended.

A thread that blocks in the kernel can be ended neither by the cancellation of what waits for it
nor by a timeout. Between two pauses both get through, and so does Ctrl-C.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from prefectx._logs.loggers import standard_logger

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator

_FIRST: Final = 0.005
_GROWTH: Final = 1.5
_SAID_AFTER: Final = 3.0

_given_up: ContextVar[threading.Event | None] = ContextVar("prefectx_given_up", default=None)


class WaitGivenUp(Exception):
    """Nobody wants the lock any more that a thread is waiting for."""


@contextmanager
def waiting_until(given_up: threading.Event) -> Generator[None]:
    """Let each wait within end with `WaitGivenUp` when the event is set."""
    token = _given_up.set(given_up)
    try:
        yield
    finally:
        _given_up.reset(token)


class Pauses:
    """The pauses of one wait.

    Args:
        what: What is waited for, as the log calls it.
        longest: How many seconds a pause may become.
    """

    def __init__(self, what: str, longest: float = 0.2) -> None:
        self._what = what
        self._longest = longest
        self._next = _FIRST
        self._since = time.monotonic()
        self._said = False

    def pause(self, holder: Callable[[], str]) -> None:
        """Wait a moment; after a few seconds of it, log once what for.

        Args:
            holder: Gives who has the lock.

        Raises:
            WaitGivenUp: The wait is within `waiting_until`, and its event is set.
        """
        if not self._said and time.monotonic() - self._since > _SAID_AFTER:
            self._said = True
            standard_logger().warning("waiting for %s, which %s is making", self._what, holder())
        given_up = _given_up.get()
        if given_up is None:
            time.sleep(self._next)
        elif given_up.wait(self._next):
            msg = f"the wait for {self._what} was given up"
            raise WaitGivenUp(msg)
        self._next = min(self._next * _GROWTH, self._longest)
