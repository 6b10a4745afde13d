"""Children by `fork`, which are killed."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 60


def child_of(work: Callable[[], object]) -> int:
    """Return the id of a new process that does some work, and ends with 1 if that fails."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - the fork of a process must not return into it
        traceback.print_exc()
    os._exit(code)


def wait_for(child: int, found: Callable[[], object]) -> None:
    """Wait until `found` gives something true; end the torture if the child ends before."""
    end = time.monotonic() + _PATIENCE
    while not found():
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            sys.exit("torture: a child has ended by itself")
        if time.monotonic() > end:
            end_child(child)
            sys.exit(f"torture: a child has done nothing for {_PATIENCE} seconds")
        time.sleep(0.001)


def end_child(child: int) -> None:
    """Kill a child; end the torture if it has ended by itself."""
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        sys.exit("torture: a child has ended by itself")


def end_all(children: list[int]) -> int:
    """Wait for children to end; return how many have failed."""
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)
