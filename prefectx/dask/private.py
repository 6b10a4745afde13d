"""Private and undocumented names of Prefect's futures and of distributed: used here only.

`tested_versions` has the versions with which they were tested. If this module cannot be imported,
tasks are submitted in prefect-dask's own way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from distributed.client import FutureState
from prefect.futures import PrefectConcurrentFuture, PrefectTaskRunFuture

from prefectx._runners.prefect.private import unsent_reports

if TYPE_CHECKING:
    import uuid

    from prefectx.dask.protocols import DaskClient, DaskResult

__all__ = [
    "make_future",
    "notify_at_end",
    "stream_to_scheduler",
    "wait_until_sent",
]

_NAMES: Final[tuple[tuple[Any, str], ...]] = (
    (FutureState, "_event"),
    (PrefectTaskRunFuture, "_final_state"),
    (PrefectTaskRunFuture, "add_done_callback"),
)


def _check(owner: Any, name: str) -> None:
    if not hasattr(owner, name) and name not in owner.__init__.__code__.co_names:
        message = f"{owner.__module__}.{owner.__qualname__} has no {name}"
        raise ImportError(message)


for _owner, _name in _NAMES:
    _check(_owner, _name)


def make_future(future: PrefectConcurrentFuture[Any], run_id: uuid.UUID, ending: Any) -> None:
    """Initialize a future without the locks and events of its base class."""
    super(PrefectConcurrentFuture, future).__init__(run_id, ending)


def notify_at_end(future: DaskResult, event: Any) -> None:
    """Let Dask call `event.set()` when its future has ended.

    Dask's own way takes a coroutine for each future.
    """
    untyped: Any = future
    untyped._state._event = event


def stream_to_scheduler(client: DaskClient) -> object:
    """Return the client's stream to its scheduler: another one after each loss; None if hidden."""
    untyped: Any = client
    return getattr(untyped, "scheduler_comm", None)


def wait_until_sent(seconds: float) -> None:
    """Wait until this process has sent its reports of task runs to the API."""
    if (waiting := unsent_reports()) is None:
        # A worker that is killed may lose its last reports.
        return
    with waiting.all_tasks_done:
        waiting.all_tasks_done.wait_for(lambda: not waiting.unfinished_tasks, seconds)
