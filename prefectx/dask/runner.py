"""`DaskRunner`: Prefect's Dask task runner, with what a cluster of many tasks needs."""

from __future__ import annotations

import uuid
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

import dask.config
from prefect.context import AssetContext, EngineContext, TagsContext
from prefect.utilities.engine import collect_task_run_inputs_sync
from prefect.utilities.importtools import from_qualified_name
from prefect_dask.task_runners import DaskTaskRunner

from prefectx._runners.prefect.task import RunName, whole
from prefectx.dask import remote
from prefectx.dask.collector import Collector
from prefectx.dask.connection import connected
from prefectx.dask.crash import Submitted
from prefectx.dask.future import DaskFuture
from prefectx.dask.keepalive import created_config, raise_ttl
from prefectx.dask.lookup import sight_of
from prefectx.dask.protocols import client_of
from prefectx.dask.remote_call import Call
from prefectx.dask.scheduler_store import Shelf
from prefectx.dask.serialize import pickled, pickled_call, prepared
from prefectx.dask.size_warning import surroundings, warn_if_large
from prefectx.dask.versions import are_tested
from prefectx.errors import ClusterUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prefect.futures import PrefectFuture
    from prefect.tasks import Task as AnyPrefectTask
    from prefect_dask.client import PrefectDaskClient

    from prefectx._api.task import Task
    from prefectx.dask import Check

_CREATED: Final[dict[str, Any]] = {
    # The scheduler's last messages to each worker and client would be kept whole, a thousand each.
    "distributed.admin.low-level-log-length": 1,
}


class DaskRunner(DaskTaskRunner):
    """Runs tasks on a Dask cluster; made by `prefectx.dask.task_runner`, which says how."""

    def __init__(  # noqa: PLR0913 - as many as Prefect's, all by name
        self,
        *,
        address: str | None = None,
        cluster_class: str | Callable[..., Any] | None = None,
        cluster_kwargs: Mapping[str, Any] | None = None,
        adapt_kwargs: Mapping[str, Any] | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        performance_report_path: str | None = None,
        keepalive: str | float | None = None,
        check: Check = "auto",
    ) -> None:
        # A name is looked up when a cluster is made: where tasks run it need not be installed.
        late = isinstance(cluster_class, str) and address is None
        super().__init__(
            address=address,
            cluster_class=None if late else cluster_class,
            cluster_kwargs=dict(cluster_kwargs or {}),
            adapt_kwargs=dict(adapt_kwargs or {}),
            client_kwargs=dict(client_kwargs or {}),
            performance_report_path=performance_report_path,
        )
        self.cluster_class = cluster_class
        self.keepalive: Final = keepalive
        self._configuration()
        self.check: Final[Check] = check
        self.sight: Final = sight_of(self, check)
        #: The resources that some worker is known to offer.
        self.offered: Final[set[frozenset[tuple[str, float]]]] = set()
        self._token: Final = uuid.uuid4().hex
        self._shelf: Shelf | None = None
        self._collector: Collector | None = None

    @property
    def is_local(self) -> bool:
        """Whether the workers run on this machine, in processes of ours."""
        return self.address is None and self.cluster_class is None

    def duplicate(self) -> DaskRunner:
        """Return a runner with the same options, which has not started."""
        return type(self)(**self._options())

    def __reduce__(self) -> tuple[Any, ...]:
        # Flows travel with their task runners.
        return (_made, (self._options(),))

    def _options(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "cluster_class": self.cluster_class,
            "cluster_kwargs": self.cluster_kwargs,
            "adapt_kwargs": self.adapt_kwargs,
            "client_kwargs": self.client_kwargs,
            "performance_report_path": self.performance_report_path,
            "keepalive": self.keepalive,
            "check": self.check,
        }

    @property
    def client(self) -> PrefectDaskClient:
        """The client of the cluster, which is made or connected to when this is first asked for.

        Raises:
            ClusterUnreachable: No scheduler answers at the address.
        """
        if self._client is not None:
            return self._client
        if isinstance(self.cluster_class, str):
            self.resolved_cluster_class = from_qualified_name(self.cluster_class)
        try:
            with dask.config.set(self._configuration()):
                client = super().client
        except OSError as error:
            if self.address is None:
                raise
            msg = (
                f"no Dask scheduler answers at {self.address} ({error}): start one with"
                ' "dask scheduler", and workers with "dask worker ADDRESS".'
            )
            raise ClusterUnreachable(msg) from error
        if self.keepalive is not None:
            # The scheduler may run elsewhere, or longer than this.
            raise_ttl(client, self.keepalive)
        return client

    def _configuration(self) -> dict[str, Any]:
        """Return what Dask must be set to where a cluster is made."""
        return _CREATED | ({} if self.keepalive is None else created_config(self.keepalive))

    def submit(
        self,
        task: AnyPrefectTask[..., Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[Any]] | None = None,
    ) -> Any:
        """Start a task on the cluster; return its future."""
        if not are_tested():
            plainly: Any = super().submit
            return plainly(task, parameters, wait_for, dependencies)
        if not self._started:
            msg = "The task runner must be started before submitting work."
            raise RuntimeError(msg)
        shelf, collector = self._shelf_and_collector()
        run_id = uuid.uuid4()
        inputs = _inputs(parameters, dependencies)
        waited = None if wait_for is None else list(wait_for)
        ready = prepared((task, parameters, waited, inputs))
        call = Call(
            context=shelf.context(),
            content=pickled_call(ready.arguments, lambda task: self._kept(shelf, task)),
            run_id=run_id,
            tags=frozenset(TagsContext.get().current_tags),
            assets=_assets(task, run_id, inputs),
        )
        warn_if_large(call.content, f"a call of task {task.name!r}", parameters)
        name = _name(task)
        client = client_of(self)
        with connected(client):
            running = client.submit(
                remote.run,
                pickled(tuple(call)),
                ready.awaited,
                # Of the first part Dask makes groups and colours; the second one is for people.
                key=(f"{task.name}-{self._token}", name, str(run_id)),
                pure=False,
            )
        future = DaskFuture(run_id, running)
        known = {name: runs for name, runs in inputs.items() if runs}
        submitted = Submitted(future, whole(task), name, known, ready.futures, copy_context())
        collector.add(submitted, running)
        return future

    def _shelf_and_collector(self) -> tuple[Shelf, Collector]:
        if self._shelf is None or self._collector is None:
            client = client_of(self)
            self._shelf, self._collector = Shelf(client), Collector(client)
        return self._shelf, self._collector

    def _kept(self, shelf: Shelf, task: Task[..., Any]) -> str:
        content = pickled(task)
        warn_if_large(content, f"the task {task.name!r}", surroundings(task.fn))
        return shelf.keep(content)

    def __exit__(self, *error: object) -> None:
        """Give up what has not ended, and close the cluster if it was made here."""
        try:
            if self._collector is not None:
                self._collector.end()
            if self._shelf is not None:
                self._shelf.clear()
        finally:
            super().__exit__(*error)


def _made(options: dict[str, Any]) -> DaskRunner:
    return DaskRunner(**options)


def _inputs(parameters: Mapping[str, Any], more: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the runs that each parameter comes from, which the server shows as a graph."""
    found = {name: collect_task_run_inputs_sync(value) for name, value in parameters.items()}
    return {name: runs | (more or {}).get(name, set()) for name, runs in found.items()}


def _assets(
    task: AnyPrefectTask[..., Any], run_id: uuid.UUID, inputs: dict[str, Any]
) -> dict[str, Any] | None:
    flow_run = EngineContext.get()
    if not (task.asset_deps or getattr(task, "assets", None)) and not (
        flow_run and flow_run.task_run_assets
    ):
        return None
    return AssetContext.from_task_and_inputs(
        task, run_id, inputs, copy_to_child_ctx=True
    ).serialize()


def _name(task: AnyPrefectTask[..., Any]) -> str:
    """Return the rendered name of a task's run, or the task's own."""
    rendered = task.task_run_name
    return rendered.name if isinstance(rendered, RunName) else task.name
