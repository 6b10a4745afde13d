"""Two calls at the same time."""

from __future__ import annotations

import sys
import threading
import warnings
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Final, TypeVar

from prefectx.errors import StaleTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

T = TypeVar("T")

TURN: Final = 1e-5
"""How many seconds a thread runs at most before it is another one's turn; usually 0.005."""


def together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make the calls at the same time, each in a thread and a context of its own."""
    start = threading.Barrier(len(calls))
    given: dict[int, T] = {}
    raised: list[BaseException] = []

    def run(index: int, call: Callable[[], T]) -> None:
        try:
            start.wait()
            given[index] = call()
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            raised.append(error)

    threads = [
        threading.Thread(target=copy_context().run, args=(run, index, call))
        for index, call in enumerate(calls)
    ]
    # The filters belong to all threads, and each of them is going to change and restore them.
    with warnings.catch_warnings(), _taking_turns():
        warnings.simplefilter("ignore", StaleTarget)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if raised:
        raise raised[0]
    return [given[index] for index in range(len(calls))]


@contextmanager
def _taking_turns() -> Generator[None]:
    """Let threads take turns so often that they meet wherever they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
