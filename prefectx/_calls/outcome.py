"""What becomes of a call that runs: it is counted in the report of its run."""

from __future__ import annotations

import os
import time

from prefectx._calls.run import current_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from prefectx._calls.call import Call
    from prefectx._values.item import Item


def ran(call: Call, seconds: float) -> None:
    """Count a call that ran to its end and whose output, if it has a target, is kept."""
    report = current_run().report
    text = call.summary if report.has_failures else ""
    if call.item is None:
        report.ran(call.task, seconds, text)
    else:
        folder = call.item.target.rpartition("/")[0]
        report.ran(call.task, seconds, text, size_of(call.item), folder)


def failed(call: Call, error: BaseException) -> None:
    """Count a call that raised."""
    if isinstance(error, GeneratorExit):
        return
    target = None if call.item is None else call.item.target
    current_run().report.failed(call.task, call.summary, target, error)


def apart(call: Call, make: Callable[[Call], Any]) -> Any:
    """Have a call made in a process of its own, whose report is not this one; count it here."""
    start = time.perf_counter()
    made = make(call)
    ran(call, time.perf_counter() - start)
    return made


async def aapart(call: Call, make: Callable[[Call], Coroutine[Any, Any, Any]]) -> Any:
    """Do the same while the event loop goes on."""
    start = time.perf_counter()
    made = await make(call)
    ran(call, time.perf_counter() - start)
    return made


def size_of(item: Item[Any]) -> int | None:
    """Return how many bytes an output has, if it is a file or a folder of this machine."""
    path = item.path
    if "://" in path:
        return None
    try:
        return os.stat(path).st_size
    except OSError:
        return None
