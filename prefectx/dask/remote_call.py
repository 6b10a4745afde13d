"""One call of a task, pickled by the client and run in Prefect's engine on a worker."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import prefect
from prefect.context import AssetContext, EngineContext
from prefect.task_engine import run_task_async, run_task_sync

from prefectx.dask.contexts import CONTEXTS, task_from_scheduler
from prefectx.dask.flush import wait_until_reported
from prefectx.dask.outcome import PickledOutcome, WorkerOutcome, state_data
from prefectx.dask.protocols import size_of
from prefectx.dask.serialize import dumps, fill_in, load_call

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from prefect.client.schemas.objects import State

    from prefectx.dask.outcome import Outcome

_SMALL: Final = 10_000
"""The maximal size, in bytes, of data that is sent to the client with the state."""


class RemoteCall(NamedTuple):
    """One call in the form that is sent to a worker.

    Attributes:
        context: The name of its context on the scheduler.
        content: The pickled task, parameters, `wait_for` and dependencies.
        run_id: The id of its task run.
        tags: The tags of its context.
        assets: Prefect's serialized asset context, if there are assets.
    """

    context: str
    content: bytes
    run_id: uuid.UUID
    tags: frozenset[str]
    assets: dict[str, Any] | None


def run_call(message: bytes, awaited: Sequence[Outcome]) -> Outcome:
    """Run a call on this worker."""
    call = RemoteCall(*pickle.loads(message))
    with CONTEXTS.copy(call.context) as context:
        return context.run(_run, call, awaited)


def _run(call: RemoteCall, awaited: Sequence[Outcome]) -> Outcome:
    content = load_call(call.content, task_from_scheduler)
    task, parameters, wait_for, dependencies = fill_in(content, awaited)
    how: dict[str, Any] = {
        "task": task,
        "task_run_id": call.run_id,
        "parameters": parameters,
        "wait_for": wait_for,
        "dependencies": dependencies,
        "return_type": "state",
    }
    _own_flow_run_context()
    if call.assets is not None:
        AssetContext(**call.assets).__enter__()
    with prefect.tags(*call.tags):
        state: Any = asyncio.run(run_task_async(**how)) if task.isasync else run_task_sync(**how)
    wait_until_reported()
    return _outcome(state)


def _outcome(state: State[Any]) -> Outcome:
    size = size_of(state_data(state))
    if size > _SMALL and state.is_completed():
        return WorkerOutcome(state, size)
    return PickledOutcome(dumps(state))


def _own_flow_run_context() -> None:
    """Give this call a separate flow run context, because each one collects results."""
    shared = EngineContext.get()
    if shared is not None:
        shared.model_copy(update={"run_results": {}, "task_run_assets": {}}).__enter__()
