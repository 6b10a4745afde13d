"""Data that many calls have in common, kept once on the scheduler instead of being sent with each.

Prefect serializes its settings, the flow run and the flow's parameters for each task, and a worker
rebuilds them for each. Here the client leaves them with the scheduler, under a hash of them, and
a worker fetches them when it first needs them.
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

from prefectx.dask.connection import connected
from prefectx.dask.protocols import FOLDER
from prefectx.dask.remote import forget
from prefectx.dask.serialize import pickled

if TYPE_CHECKING:
    from prefectx.dask.protocols import DaskClient


class SchedulerStore:
    """The data that one flow run has left with the scheduler.

    Args:
        client: The client of the cluster.
    """

    def __init__(self, client: DaskClient) -> None:
        self._client: Final = client
        self._kept: set[str] = set()
        self._context: tuple[tuple[Any, ...], str] | None = None

    def context(self) -> str:
        """Return the name of the context that is in force here: flow run, task run and settings."""
        here = (EngineContext.get(), TaskRunContext.get(), SettingsContext.get())
        known = self._context
        if known is None or any(a is not b for a, b in zip(known[0], here, strict=True)):
            serialized = serialize_context()
            # Tags change from call to call, so they go with the calls.
            del serialized["tags_context"]
            if flow_run := serialized["flow_run_context"]:
                flow_run["flow"] = _stand_in(flow_run["flow"])
            self._context = known = (here, self.keep(pickled(serialized)))
        return known[1]

    def keep(self, content: bytes) -> str:
        """Leave bytes with the scheduler unless they are there; return their name."""
        # Others may leave the same, and take it back when they end.
        name = f"{self._client.id} {hashlib.blake2b(content, digest_size=16).hexdigest()}"
        if name not in self._kept:
            with connected(self._client):
                self._client.set_metadata([FOLDER, name], content)
            self._kept.add(name)
        return name

    def clear(self) -> None:
        """Take back what was left, unless the scheduler is gone, and all that with it."""
        kept, self._kept = self._kept, set()
        if kept and self._client.status == "running":
            with suppress(OSError):
                self._client.run_on_scheduler(forget, self._client.id)


def _stand_in(flow: prefect.Flow[..., Any]) -> prefect.Flow[..., Any]:
    """Return what a worker needs of a flow: not its function, with the globals that it names."""
    return prefect.Flow(
        _runs_elsewhere,
        name=flow.name,
        version=flow.version,
        task_runner=flow.task_runner,
        log_prints=flow.log_prints,
    )


def _runs_elsewhere() -> None:
    """Stand for a flow's function where only its tasks run."""
