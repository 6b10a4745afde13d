"""Calls that Dask has lost, with their worker, the scheduler or an upstream task."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect.context import EngineContext

from prefectx._runners.prefect.private import create_task_run, emit_state
from prefectx.dask.crashed_states import crashed, not_ready
from prefectx.dask.outcome import LocalOutcome

if TYPE_CHECKING:
    import uuid

    from prefect.client.schemas.objects import State
    from prefect.tasks import Task

    from prefectx.dask.future import DaskFuture


class SubmittedCall(NamedTuple):
    """A submitted call, with the data that a report of its crash needs.

    Attributes:
        future: Its future.
        task: Its task.
        name: The rendered name of its run, or its task's name.
        dependencies: The runs from which its parameters come.
        upstream: The futures that it waits for.
        context: The context in which it was submitted.
    """

    future: DaskFuture
    task: Task[..., Any]
    name: str
    dependencies: dict[str, Any]
    upstream: list[DaskFuture]
    context: Context


def settle_lost_call(call: SubmittedCall, error: BaseException) -> None:
    """Settle a call that Dask has lost, here and in Prefect's records.

    Args:
        call: The call.
        error: Dask's error.
    """
    state = _state(call, error)
    try:
        call.context.run(_report, call, state)
    except Exception as unreported:  # noqa: BLE001 - the future must be settled in any case
        state.message = f"{state.message} (It was not reported to Prefect: {unreported!r}.)"
    call.future.settle(LocalOutcome(state))


def _state(call: SubmittedCall, error: BaseException) -> State[Any]:
    # Dask passes the error of a task on to all tasks that depend on it.
    failed = next((future for future in call.upstream if future.has_failed), None)
    return crashed(call.name, error) if failed is None else not_ready(failed.task_run_id)


def _report(call: SubmittedCall, state: State[Any]) -> None:
    run_id: uuid.UUID = call.future.task_run_id
    run = create_task_run(
        task=call.task,
        id=run_id,
        parameters=dict.fromkeys(call.dependencies),
        flow_run_context=EngineContext.get(),
        extra_task_inputs=call.dependencies,
    )
    run.name = call.name
    before = run.state
    state.state_details.task_run_id = run_id
    state.state_details.flow_run_id = run.flow_run_id
    run.state = state
    emit_state(task_run=run, initial_state=before, validated_state=state)
