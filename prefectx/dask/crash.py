"""Task runs that Dask has lost, with their worker, the scheduler or an upstream task."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from distributed import KilledWorker
from prefect.context import EngineContext
from prefect.states import Pending

from prefectx._runners.prefect.private import create_task_run, emit_state
from prefectx.dask.crashed_state import crashed
from prefectx.dask.outcome import LocalOutcome

if TYPE_CHECKING:
    import uuid

    from prefect.client.schemas.objects import State
    from prefect.tasks import Task

    from prefectx.dask.future import DaskFuture


FLOW_ENDED: Final = "flow-ended"
"""The reason with which Dask cancels calls at the end of a flow."""


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


def crash(call: SubmittedCall, error: BaseException) -> None:
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
    for future in call.upstream:
        # Dask passes the error of a task on to all tasks that depend on it.
        if future.has_failed:
            message = f"Upstream task run '{future.task_run_id}' did not reach a 'COMPLETED' state."
            return Pending(name="NotReady", message=message)
    return crashed(_reason(call.name, error), error)


def _reason(name: str, error: BaseException) -> str:
    if isinstance(error, KilledWorker):
        return (
            f"task run {name!r} crashed: each of the {error.allowed_failures + 1} workers that ran"
            f" it died, the last one at {error.last_worker.address}. The usual reasons are a lack"
            " of memory, a crash of compiled code, or a task that held the global lock for so long"
            " that its worker was considered dead; see the worker's log. Use isolate=True for the"
            " task, or memory_limit= or keepalive= of task_runner."
        )
    if getattr(error, "reason", None) == FLOW_ENDED:
        return f"task run {name!r} crashed: its flow ended first."
    return (
        f"task run {name!r} crashed: the cluster did not complete it"
        f" ({type(error).__name__}: {error}). Finished outputs are stored. Run the flow again to"
        " make the missing ones."
    )


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
