"""Beyond one process: a Dask task runner for Prefect that stays small, alive and readable."""

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

    It is a `prefect_dask.DaskTaskRunner`. Outputs travel between workers as Items, results are
    released once they are known, tasks that kill their worker end as crashed, and a submit costs
    a fraction. Without `address` a cluster is made for each flow run and ends with it.

    Args:
        n_workers: How many worker processes a new cluster has.
        threads_per_worker: How many tasks each of them runs at a time.
        memory_limit: The memory of each, as in `"4GB"`; a worker that needs more is restarted.
        resources: What each worker of a new cluster offers, as in `{"gpu": 1}`.
        address: The scheduler of a cluster that runs already, as in `"tcp://10.0.0.1:8786"`.
        cluster_class: Another class of clusters than `distributed.LocalCluster`, or its name, as
            in `"dask_jobqueue.SLURMCluster"`.
        cluster_kwargs: More arguments for the cluster's class, as in
            `{"dashboard_address": ":0"}`.
        adapt_kwargs: Arguments for `cluster.adapt`, as in `{"maximum": 40}`.
        client_kwargs: Arguments for `distributed.Client`.
        performance_report_path: Where Dask's report is to be written.
        keepalive: How long a task may hold Python's global lock before its worker is taken for
            dead, as in `"6h"`. On a cluster that runs already this is raised, never lowered.
        check: Where `prefect.skip` looks for a target. `"client"`: where the flow runs. `"worker"`:
            only where tasks run. `"both"`: both must see it. `"auto"`: where the flow runs, if the
            workers see the same files, which is tried out once a cluster.

    Raises:
        MissingExtra: `prefect-dask` is not installed.
        InvalidDuration: `keepalive` is no span of time.
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
    given = {name: value for name, value in workers.items() if value is not None}
    return DaskRunner(
        address=address,
        cluster_class=cluster_class,
        cluster_kwargs={**given, **(cluster_kwargs or {})},
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
    from prefectx.dask.placement import placed

    return placed(task, task_runner)


PLACEMENTS.append(_placement)
