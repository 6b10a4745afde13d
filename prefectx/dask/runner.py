"""`DaskRunner`: Prefect's Dask task runner, extended for many and long tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Unpack

import dask.config
from prefect.utilities.importtools import from_qualified_name
from prefect_dask.task_runners import DaskTaskRunner

from prefectx.dask.keepalive import cluster_config, raise_ttl
from prefectx.dask.protocols import client_of
from prefectx.dask.shared_files import lookup_of
from prefectx.dask.tested_versions import can_submit_quickly
from prefectx.errors import ClusterUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.futures import PrefectFuture
    from prefect.tasks import Task as AnyPrefectTask
    from prefect_dask.client import PrefectDaskClient

    from prefectx.dask.options import Check, RunnerOptions
    from prefectx.dask.submission import Submission

_CLUSTER_CONFIG: Final[dict[str, Any]] = {
    # Otherwise the scheduler keeps its last thousand messages to each worker and client.
    "distributed.admin.low-level-log-length": 1,
}


class DaskRunner(DaskTaskRunner):
    """Runs tasks on a Dask cluster. `prefectx.dask.task_runner` creates it and has the options."""

    def __init__(self, **options: Unpack[RunnerOptions]) -> None:
        self._options: Final = options
        address, cluster_class = options.get("address"), options.get("cluster_class")
        # A name is resolved when a cluster is started: workers need not have the package.
        late = isinstance(cluster_class, str) and address is None
        super().__init__(
            address=address,
            cluster_class=None if late else cluster_class,
            cluster_kwargs=dict(options.get("cluster_kwargs") or {}),
            adapt_kwargs=dict(options.get("adapt_kwargs") or {}),
            client_kwargs=dict(options.get("client_kwargs") or {}),
            performance_report_path=options.get("performance_report_path"),
        )
        self.cluster_class = cluster_class
        self.keepalive: Final = options.get("keepalive")
        self._configuration()
        self.check: Final[Check] = options.get("check", "auto")
        self.lookup: Final = lookup_of(self, self.check)
        #: The resources that at least one worker has.
        self.offered: Final[set[frozenset[tuple[str, float]]]] = set()
        self._submission: Submission | None = None
        self._unreachable: ClusterUnreachable | None = None

    @property
    def is_local(self) -> bool:
        """True if the workers are child processes on this machine."""
        return self.address is None and self.cluster_class is None

    @property
    def is_not_started(self) -> bool:
        """True if its own cluster has not started, because no call had to run so far."""
        return self.address is None and self._client is None

    def duplicate(self) -> DaskRunner:
        """Return a new runner with the same options."""
        return type(self)(**self._options)

    def __reduce__(self) -> tuple[Any, ...]:
        # Flows are pickled with their task runners.
        return (_create, (self._options,))

    @property
    def client(self) -> PrefectDaskClient:
        """The client of the cluster, which is started or connected at the first access.

        Raises:
            ClusterUnreachable: No scheduler answers at the address.
        """
        if self._client is not None:
            return self._client
        if self._unreachable is not None:
            # The first attempt took half a minute: a map would wait as long for each call.
            raise self._unreachable
        if isinstance(self.cluster_class, str):
            self.resolved_cluster_class = from_qualified_name(self.cluster_class)
        try:
            with dask.config.set(self._configuration()):
                client = super().client
        except OSError as error:
            if self.address is None:
                raise
            msg = (
                f"no Dask scheduler answers at {self.address} ({error}). Start one with"
                ' "dask scheduler", and workers with "dask worker ADDRESS".'
            )
            self._unreachable = ClusterUnreachable(msg)
            raise self._unreachable from error
        if self.keepalive is not None:
            # The configuration does not apply to a scheduler in another process.
            raise_ttl(client, self.keepalive)
        return client

    def _configuration(self) -> dict[str, Any]:
        """Return Dask's configuration for a new cluster."""
        return _CLUSTER_CONFIG | ({} if self.keepalive is None else cluster_config(self.keepalive))

    def submit(
        self,
        task: AnyPrefectTask[..., Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[Any]] | None = None,
    ) -> Any:
        """Start a task on the cluster; return its future."""
        if not can_submit_quickly():
            plainly: Any = super().submit
            return plainly(task, parameters, wait_for, dependencies)
        if not self._started:
            msg = "The task runner must be started before submitting work."
            raise RuntimeError(msg)
        if self._submission is None:
            from prefectx.dask.submission import Submission

            self._submission = Submission(client_of(self))
        return self._submission.submit(task, parameters, wait_for, dependencies)

    def __exit__(self, *error: object) -> None:
        """Cancel the calls that have not ended, and close the cluster if it was started here."""
        try:
            if self._submission is not None:
                self._submission.end()
        finally:
            super().__exit__(*error)


def _create(options: RunnerOptions) -> DaskRunner:
    return DaskRunner(**options)
