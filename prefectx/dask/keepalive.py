"""The time for which a worker may send no heartbeat, because a task holds Python's global lock.

Dask's scheduler considers a worker dead after `distributed.scheduler.worker-ttl` without a
heartbeat, 5 minutes by default. Its nanny kills it, the task is started elsewhere, and after four
times it fails with `KilledWorker`. Nothing else limits long tasks: the kernel keeps connections
open, for which it needs no lock. A worker's `lifetime` must not be set: it would end a worker in
the middle of a task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefectx._logs.durations import parse_duration

if TYPE_CHECKING:
    import datetime

    from distributed import Client

    Duration = str | float | datetime.timedelta

__all__ = ["TtlChange", "cluster_config", "parse_duration", "raise_ttl"]


class TtlChange(NamedTuple):
    """The old and the new time that a scheduler waits for a heartbeat."""

    #: In seconds; None for unlimited.
    old: float | None
    #: In seconds; None for unlimited.
    new: float | None


def cluster_config(keepalive: Duration) -> dict[str, Any]:
    """Return Dask's configuration for a new cluster.

    It applies to a scheduler in this process, such as that of a `LocalCluster`.

    Args:
        keepalive: The time without a heartbeat: seconds, a `timedelta` or a text such as `"6h"`.

    Raises:
        InvalidDuration: `keepalive` is not a duration.

    Example:
        >>> cluster_config("6h")
        {'distributed.scheduler.worker-ttl': '21600.0s'}
    """
    return {"distributed.scheduler.worker-ttl": f"{parse_duration(keepalive)}s"}


def raise_ttl(client: Client, keepalive: Duration) -> TtlChange:
    """Raise the time that a running scheduler waits for a heartbeat; never lower it.

    A scheduler that waits for ever still does so. The change lasts until the scheduler ends, for
    all of its clients.

    Args:
        client: A client of the scheduler.
        keepalive: As for `cluster_config`.

    Raises:
        InvalidDuration: `keepalive` is not a duration.
    """
    seconds = parse_duration(keepalive)

    # A local function, which is pickled by value: the scheduler may have no prefectx.
    def change(dask_scheduler: Any) -> tuple[float | None, float | None]:
        old = dask_scheduler.worker_ttl or None
        if old is not None and old < seconds:
            dask_scheduler.worker_ttl = seconds
        return old, dask_scheduler.worker_ttl or None

    # Distributed's annotations are partial.
    scheduler: Any = client
    return TtlChange(*scheduler.run_on_scheduler(change))
