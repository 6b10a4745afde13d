"""Private names of Prefect, each used as a shortcut for a public way.

In a version that was not tested, or that lacks one of the functions, the public way is used: a hit
in `prefect.cache` is then recorded by Prefect's engine, whose task body checks the target. Where
reports of task runs are hidden, they are neither waited for nor dropped.
"""

from __future__ import annotations

import functools
import logging
from importlib import import_module
from importlib.metadata import version
from queue import Empty
from typing import TYPE_CHECKING, Any, Final

from prefect.events.worker import EventsWorker

if TYPE_CHECKING:
    from queue import Queue

    from prefect.client.schemas.objects import State
    from prefect.futures import PrefectFuture

TESTED: Final = ((3, 8), (3, 10))
"""The first version that was tested, and the first that was not."""

_log: Final = logging.getLogger("prefectx.prefect")


def _private(module: str, name: str) -> Any:
    return getattr(import_module(module), name, None)


#: Creates a task run that is not yet sent to the API.
create_task_run: Final = _private("prefect.task_engine", "_create_task_run_locally")

#: Links a value to the run that has returned it.
link_result: Final = _private("prefect.utilities.engine", "link_state_to_task_run_result")

#: Reports a task run's new state to the API.
emit_state: Final = _private("prefect.utilities.engine", "emit_task_run_state_change_event")


@functools.cache
def are_tested() -> bool:
    """Tell whether these functions can be used; warn once if the version was not tested."""
    number = version("prefect")
    parts = tuple(int(part) for part in number.split(".")[:2] if part.isdigit())
    tested = TESTED[0] <= parts < TESTED[1]
    if not tested:
        _log.warning(
            "prefectx was tested with Prefect from %s up to, but without, %s; this is %s. prefectx"
            " uses only its public functions, so a hit in prefect.cache takes longer.",
            *(".".join(map(str, bound)) for bound in TESTED),
            number,
        )
    return tested and None not in {create_task_run, link_result, emit_state}


def final_state(future: PrefectFuture[Any]) -> State[Any] | None:
    """Return the state that a future has ended in, without asking the API; None if not known."""
    state: State[Any] | None = getattr(future, "_final_state", None)
    return state


def unsent_reports() -> Queue[Any] | None:
    """Return the reports of task runs that this process has not sent; None if they are hidden."""
    worker: Any = EventsWorker.instance()
    return getattr(worker, "_queue", None)


def drop_reports() -> int | None:
    """Drop the unsent reports; return their number, or None if that cannot be done."""
    if (waiting := unsent_reports()) is None:
        return None
    dropped = 0
    try:
        while True:
            waiting.get_nowait()
            waiting.task_done()
            dropped += 1
    except Empty:
        return dropped
