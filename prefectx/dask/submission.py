"""The quick way to submit tasks: shared data is sent once, and results are released early."""

from __future__ import annotations

import uuid
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from prefect.context import AssetContext, EngineContext, TagsContext
from prefect.utilities.engine import collect_task_run_inputs_sync

from prefectx._runners.prefect.run_names import RunName
from prefectx._runners.prefect.task_for_call import shared_task
from prefectx.dask import worker_functions
from prefectx.dask.cluster_watch import ClusterWatch
from prefectx.dask.collector import Collector
from prefectx.dask.connection import Connection
from prefectx.dask.future import DaskFuture
from prefectx.dask.lost_calls import SubmittedCall
from prefectx.dask.remote_call import RemoteCall
from prefectx.dask.scheduler_store import SchedulerStore
from prefectx.dask.serialize import dump_call, dumps, prepare
from prefectx.dask.size_warning import captured_values, warn_if_large

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prefect.futures import PrefectFuture
    from prefect.tasks import Task as AnyPrefectTask

    from prefectx._naming.decorated import AnyTask
    from prefectx.dask.protocols import DaskClient


class Submission:
    """The calls that one flow run submits to a cluster.

    Args:
        client: The client of the cluster.
    """

    def __init__(self, client: DaskClient) -> None:
        self._client: Final = client
        self._connection: Final = Connection(client)
        self._store: Final = SchedulerStore(self._connection)
        self._collector: Final = Collector(self._connection)
        self._watch: Final = ClusterWatch(client, self._collector.count)
        self._token: Final = uuid.uuid4().hex

    def submit(
        self,
        task: AnyPrefectTask[..., Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None,
        dependencies: dict[str, set[Any]] | None,
    ) -> DaskFuture:
        """Start a task on the cluster; return its future."""
        run_id = uuid.uuid4()
        inputs = _inputs(parameters, dependencies)
        waited = None if wait_for is None else list(wait_for)
        ready = prepare((task, parameters, waited, inputs))
        call = RemoteCall(
            context=self._store.context(),
            content=dump_call(ready.arguments, self._keep),
            run_id=run_id,
            tags=frozenset(TagsContext.get().current_tags),
            assets=_assets(task, run_id, inputs),
        )
        warn_if_large(call.content, f"a call of task {task.name!r}", parameters)
        name = _name(task)
        with self._connection.ensured():
            running = self._client.submit(
                worker_functions.run,
                dumps(tuple(call)),
                ready.awaited,
                # Dask uses the first part for groups and colours; the second one is for people.
                key=(f"{task.name}-{self._token}", name, str(run_id)),
                pure=False,
            )
        future = DaskFuture(run_id, running)
        origins = {name: runs for name, runs in inputs.items() if runs}
        submitted = SubmittedCall(
            future, shared_task(task), name, origins, ready.futures, copy_context()
        )
        self._collector.add(submitted, running)
        return future

    def _keep(self, task: AnyTask) -> str:
        content = dumps(task)
        warn_if_large(content, f"the task {task.name!r}", captured_values(task.fn))
        return self._store.keep(content)

    def end(self) -> None:
        """Cancel the calls that have not ended, and clear the scheduler's store."""
        self._watch.end()
        self._collector.end()
        self._store.clear()


def _inputs(parameters: Mapping[str, Any], more: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the runs from which each parameter comes, which the server shows as a graph."""
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
    """Return the rendered name of a task's run, or the task's name."""
    rendered = task.task_run_name
    return rendered.name if isinstance(rendered, RunName) else task.name
