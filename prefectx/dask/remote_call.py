"""One call of a task: pickled where it is submitted, run in Prefect's engine on a worker."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import prefect
from prefect.context import AssetContext, EngineContext
from prefect.task_engine import run_task_async, run_task_sync

from prefectx.dask.contexts import CONTEXTS, kept_task
from prefectx.dask.flush import wait_until_reported
from prefectx.dask.outcome import OnWorker, Pickled, data_of
from prefectx.dask.protocols import size_of
from prefectx.dask.serialize import filled_in, pickled, unpickled_call

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from prefect.client.schemas.objects import State

    from prefectx.dask.outcome import Outcome

_SMALL: Final = 10_000
"""Bytes of data that travel with the state to the client, asked for or not."""


class RemoteCall(NamedTuple):
    """One call as it crosses to a worker.

    Attributes:
        context: The name of the context that it is made in, as the scheduler keeps it.
        content: The pickled task, its parameters, what it waits for, and where they came from.
        run_id: The id of its task run.
        tags: The tags in force where it was made.
        assets: Prefect's asset context if there are assets, as Prefect serializes it.
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
    content = unpickled_call(call.content, kept_task)
    task, parameters, wait_for, dependencies = filled_in(content, awaited)
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
    size = size_of(data_of(state))
    if size > _SMALL and state.is_completed():
        return OnWorker(state, size)
    return Pickled(pickled(state))


def _own_flow_run_context() -> None:
    """Give this call a flow run context of its own to note results in, or they would pile up."""
    shared = EngineContext.get()
    if shared is not None:
        shared.model_copy(update={"run_results": {}, "task_run_assets": {}}).__enter__()
