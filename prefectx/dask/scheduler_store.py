"""Data that many calls share, stored once on the scheduler instead of being sent with each call.

Prefect serializes its settings, the flow run and the flow's parameters for each task, and a worker
rebuilds them each time. Here the client stores them on the scheduler, under a hash, and a worker
fetches them at the first use.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import prefect
from prefect.context import (
    EngineContext,
    SettingsContext,
    TaskRunContext,
    serialize_context,
)

from prefectx.dask.connection import is_done_in_time
from prefectx.dask.protocols import FOLDER
from prefectx.dask.serialize import dumps
from prefectx.dask.worker_functions import forget

if TYPE_CHECKING:
    from prefectx.dask.connection import Connection


class SchedulerStore:
    """The data that one flow run has stored on the scheduler.

    Args:
        connection: The connection to the scheduler.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self._client: Final = connection.client
        self._kept: set[str] = set()
        self._context: tuple[tuple[Any, ...], str] | None = None

    def context(self) -> str:
        """Store the current context (flow run, task run, settings); return its name."""
        here = (EngineContext.get(), TaskRunContext.get(), SettingsContext.get())
        known = self._context
        if known is None or any(a is not b for a, b in zip(known[0], here, strict=True)):
            serialized = serialize_context()
            # Tags differ between calls, so each call has its own.
            del serialized["tags_context"]
            if flow_run := serialized["flow_run_context"]:
                flow_run["flow"] = _without_function(flow_run["flow"])
            self._context = known = (here, self.keep(dumps(serialized)))
        return known[1]

    def keep(self, content: bytes) -> str:
        """Store bytes on the scheduler unless they exist; return their name."""
        # With the client's id: another client may store the same, and remove it at its end.
        name = f"{self._client.id} {hashlib.blake2b(content, digest_size=16).hexdigest()}"
        if name not in self._kept:
            with self._connection.ensured():
                self._client.set_metadata([FOLDER, name], content)
            self._kept.add(name)
        return name

    def clear(self) -> None:
        """Remove the data from the scheduler, if that still runs."""
        kept, self._kept = self._kept, set()
        if kept and not self._connection.is_lost:
            with suppress(OSError):
                is_done_in_time(lambda: self._client.run_on_scheduler(forget, self._client.id))


def _without_function(flow: prefect.Flow[..., Any]) -> prefect.Flow[..., Any]:
    """Return a flow for workers, without its function, whose globals would be pickled."""
    return prefect.Flow(
        _runs_elsewhere,
        name=flow.name,
        version=flow.version,
        task_runner=flow.task_runner,
        log_prints=flow.log_prints,
    )


def _runs_elsewhere() -> None:
    """Take the place of a flow's function on workers, which run its tasks only."""
