"""How long a worker may be silent: a task that holds Python's lock lets it send no heartbeat.

Dask's scheduler takes a worker for dead that has been silent for the time that
`distributed.scheduler.worker-ttl` says, 5 minutes by default. Its nanny kills it, the task is
started elsewhere, and after four times it fails with `KilledWorker`. Nothing else is in the way of
long tasks: connections are kept by the kernel, which needs no lock. A worker's `lifetime` must
not be set: it would end a worker in the middle of a task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefectx._logs.durations import parse_duration

if TYPE_CHECKING:
    import datetime

    from distributed import Client

    Duration = str | float | datetime.timedelta

__all__ = ["Raised", "created_config", "parse_duration", "raise_ttl"]


class Raised(NamedTuple):
    """How long a running scheduler bore silent workers, and bears them now."""

    #: Seconds; None for ever.
    old: float | None
    #: Seconds; None for ever.
    new: float | None


def created_config(keepalive: Duration) -> dict[str, Any]:
    """Return what must be set in Dask's configuration while a cluster is created.

    It reaches a scheduler that runs in this process, as that of a `LocalCluster` does.

    Args:
        keepalive: How long a worker may be silent: seconds, a `timedelta` or a text as `"6h"`.

    Raises:
        InvalidDuration: `keepalive` is no span of time.

    Example:
        >>> created_config("6h")
        {'distributed.scheduler.worker-ttl': '21600.0s'}
    """
    return {"distributed.scheduler.worker-ttl": f"{parse_duration(keepalive)}s"}


def raise_ttl(client: Client, keepalive: Duration) -> Raised:
    """Let a running scheduler bear silent workers for longer; never for shorter than it does.

    A scheduler that never takes a worker for dead stays so. The scheduler keeps this until it ends,
    for all who use it.

    Args:
        client: A client of the scheduler.
        keepalive: As for `created_config`.

    Raises:
        InvalidDuration: `keepalive` is no span of time.
    """
    seconds = parse_duration(keepalive)

    # Inside, so that it travels by value: the scheduler may have no prefectx.
    def raised(dask_scheduler: Any) -> tuple[float | None, float | None]:
        old = dask_scheduler.worker_ttl or None
        if old is not None and old < seconds:
            dask_scheduler.worker_ttl = seconds
        return old, dask_scheduler.worker_ttl or None

    # Distributed's annotations are partial.
    scheduler: Any = client
    return Raised(*scheduler.run_on_scheduler(raised))
