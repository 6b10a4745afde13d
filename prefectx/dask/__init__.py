"""A Dask task runner for Prefect that uses little memory and survives long tasks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from prefectx._runners.lookup import PLACEMENTS
from prefectx.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from prefectx._naming.decorated import AnyTask
    from prefectx.dask.options import Check
    from prefectx.dask.runner import DaskRunner

__all__ = ["task_runner"]


def task_runner(  # noqa: PLR0913 - as many as a cluster has, all by name
    *,
    n_workers: int | None = None,
    threads_per_worker: int | None = None,
    memory_limit: str | float | None = None,
    resources: Mapping[str, float] | None = None,
    address: str | None = None,
    cluster_class: str | Callable[..., Any] | None = None,
    cluster_kwargs: Mapping[str, Any] | None = None,
    adapt_kwargs: Mapping[str, Any] | None = None,
    client_kwargs: Mapping[str, Any] | None = None,
    performance_report_path: str | None = None,
    keepalive: str | float | None = None,
    check: Check = "auto",
) -> DaskRunner:
    """Return a task runner for `@flow(task_runner=…)` that runs tasks on a Dask cluster.

    It is a `prefect_dask.DaskTaskRunner`. Outputs are passed between workers as Items, results are
    released as soon as they are known, tasks that kill their worker end as crashed, and a submit
    takes a fraction of the time. Without `address`, a cluster is started for each flow run.

    Args:
        n_workers: The number of worker processes of a new cluster.
        threads_per_worker: The number of tasks that each of them runs at a time.
        memory_limit: The memory of each, as in `"4GB"`; a worker that needs more is restarted.
        resources: The resources of each worker of a new cluster, as in `{"gpu": 1}`.
        address: The scheduler of a running cluster, as in `"tcp://10.0.0.1:8786"`.
        cluster_class: Another class of clusters than `distributed.LocalCluster`, or its name, as
            in `"dask_jobqueue.SLURMCluster"`.
        cluster_kwargs: More arguments for the cluster's class, as in
            `{"dashboard_address": ":0"}`.
        adapt_kwargs: Arguments for `cluster.adapt`, as in `{"maximum": 40}`.
        client_kwargs: Arguments for `distributed.Client`.
        performance_report_path: The path of Dask's report.
        keepalive: The time for which a task may hold Python's global lock before its worker is
            considered dead, as in `"6h"`. On a running cluster it is raised, never lowered.
        check: Where `prefect.skip` looks for a target. `"client"`: where the flow runs. `"worker"`:
            only where tasks run. `"both"`: both must see it. `"auto"`: where the flow runs, if the
            workers see the same files, which is tested once per cluster.

    Raises:
        MissingExtra: `prefect-dask` is not installed.
        InvalidDuration: `keepalive` is not a duration.
        UnknownOption: `check` is none of these.
        ValueError: Arguments contradict each other.

    Example:
        >>> runner = task_runner(n_workers=2, memory_limit="2GB", keepalive="1h")
        >>> @flow(task_runner=runner)
        ... def nightly() -> None: ...
    """
    try:
        from prefectx.dask.runner import DaskRunner
    except ModuleNotFoundError as error:
        if error.name not in {"prefect", "prefect_dask", "distributed", "dask"}:
            raise
        msg = 'prefectx.dask.task_runner needs prefect-dask: pip install "prefectx[dask]"'
        raise MissingExtra(msg) from error
    workers = {
        "n_workers": n_workers,
        "threads_per_worker": threads_per_worker,
        "memory_limit": memory_limit,
        "resources": None if resources is None else dict(resources),
    }
    chosen = {name: value for name, value in workers.items() if value is not None}
    return DaskRunner(
        address=address,
        cluster_class=cluster_class,
        cluster_kwargs={**chosen, **(cluster_kwargs or {})},
        adapt_kwargs=adapt_kwargs,
        client_kwargs=client_kwargs,
        performance_report_path=performance_report_path,
        keepalive=keepalive,
        check=check,
    )


def _placement(task: AnyTask, task_runner: Any) -> AbstractContextManager[None] | None:
    dask_runner = getattr(sys.modules.get("prefect_dask"), "DaskTaskRunner", None)
    if dask_runner is None or not isinstance(task_runner, dask_runner):
        return None
    from prefectx.dask.placement import apply_placement

    return apply_placement(task, task_runner)


PLACEMENTS.append(_placement)
