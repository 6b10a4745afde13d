"""A warning, once, while calls wait for a cluster that has no workers, or does not answer."""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from prefectx._runners.prefect.logs import run_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx.dask.protocols import DaskClient

_INTERVAL: Final = 5.0
"""The time between two looks, in seconds."""

_LOOKS: Final = 3
"""The number of looks in a row after which a cluster is not just starting or busy."""

_SILENT: Final = "does not answer"
_DESERTED: Final = "has no workers"
_ADVICE: Final = {
    _SILENT: "Its scheduler hangs or is busy: see its log.",
    _DESERTED: 'Start one with "dask worker ADDRESS"; why others ended is in their logs.',
}
_WHAT_TO_DO: Final = (
    "The flow then goes on. To end it instead, press Ctrl-C: finished outputs are stored, and the"
    " next run makes the missing ones."
)


class ClusterWatch:
    """Looks at a cluster from a separate thread while calls wait for it.

    Args:
        client: The client of the cluster.
        waiting: Returns the number of calls that have not ended.
    """

    def __init__(self, client: DaskClient, waiting: Callable[[], int]) -> None:
        self._client: Final = client
        self._waiting: Final = waiting
        self._ended: Final = threading.Event()
        # In the flow's context, for its logger.
        run = copy_context().run
        self._thread: Final = threading.Thread(
            target=run, args=(self._watch,), name="prefectx-workers", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """End the thread; do not wait for a cluster that does not answer."""
        self._ended.set()

    def _watch(self) -> None:
        looks = 0
        while not self._ended.wait(_INTERVAL):
            trouble = self._trouble() if self._waiting() else ""
            looks = looks + 1 if trouble else 0
            if looks == _LOOKS:
                # Counted on, so it is said again only after there were workers.
                self._warn(trouble)

    def _trouble(self) -> str:
        """Return what is wrong with the cluster; "" if nothing is."""
        client: Any = self._client
        if client.status != "running":
            # Its calls fail by themselves.
            return ""
        try:
            workers = client.sync(client.scheduler.ncores, callback_timeout=_INTERVAL)
        except TimeoutError:
            return _SILENT
        except Exception:  # noqa: BLE001 - the connection is being lost, which the calls notice
            return ""
        return "" if workers else _DESERTED

    def _warn(self, trouble: str) -> None:
        scheduler = self._client.scheduler
        address = "" if scheduler is None else f" at {scheduler.address}"
        run_logger().warning(
            "the Dask cluster%s %s, and %s for it. %s %s",
            address,
            trouble,
            "1 call waits" if (waiting := self._waiting()) == 1 else f"{waiting} calls wait",
            _ADVICE[trouble],
            _WHAT_TO_DO,
        )
