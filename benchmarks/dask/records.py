"""The end of a flow: in the API's records, and at the scheduler."""

from __future__ import annotations

import time
from typing import Any, Final

import httpx
from distributed import Client, SchedulerPlugin

PATIENCE: Final = 120
_POLL: Final = 0.2


def completed(api_url: str, flow_run: str, expected: int) -> int:
    """Return how many task runs of a flow run have completed, once they are as many as expected.

    The server records them some time after they have ended; fewer are returned when two minutes
    have not sufficed.
    """
    deadline = time.monotonic() + PATIENCE
    while (found := task_runs(api_url, flow_run, "COMPLETED")) < expected:
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL)
    return found


def task_runs(api_url: str, flow_run: str, *states: str) -> int:
    """Return how many task runs the server knows of a flow run, in these states or in any."""
    filters: dict[str, Any] = {"flow_runs": {"id": {"any_": [flow_run]}}}
    if states:
        filters["task_runs"] = {"state": {"type": {"any_": list(states)}}}
    answer = httpx.post(f"{api_url}/task_runs/count", json=filters, timeout=PATIENCE)
    return int(answer.raise_for_status().json())


class Counter(SchedulerPlugin):
    """Counts the tasks that a scheduler is sent."""

    name = "prefectx-counter"

    def __init__(self) -> None:
        self.keys: Final[set[Any]] = set()

    def transition(self, key: Any, *_: Any, **__: Any) -> None:
        """Note a task that begins to exist, runs, or changes in any other way."""
        self.keys.add(key)


def count_tasks(address: str) -> None:
    """Have the scheduler at an address count the tasks that it is sent."""
    with Client(address, set_as_default=False) as client:
        client.register_plugin(Counter())


def tasks_sent(address: str) -> int:
    """Return how many tasks the scheduler was sent since it counts them."""
    with Client(address, set_as_default=False) as client:
        return int(client.run_on_scheduler(_counted))


def left_behind(address: str) -> int:
    """Return how many things prefectx has left in the scheduler's metadata."""
    with Client(address, set_as_default=False) as client:
        return len(client.get_metadata(["prefectx"], default={}))


def _counted(dask_scheduler: Any) -> int:
    return len(dask_scheduler.plugins[Counter.name].keys)
