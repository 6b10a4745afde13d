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
"""The switch interval of threads in seconds; Python's default is 0.005."""


def run_together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make the calls at the same time, each in a separate thread and context."""
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
    # Outside the threads, because all of them share the filters.
    with warnings.catch_warnings(), _switch_often():
        warnings.simplefilter("ignore", StaleTarget)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if raised:
        raise raised[0]
    return [given[index] for index in range(len(calls))]


@contextmanager
def _switch_often() -> Generator[None]:
    """Let threads switch so often that they meet wherever they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
