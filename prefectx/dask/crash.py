"""Task runs that Dask lost: with their worker, with the scheduler, or with what they needed."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from distributed import KilledWorker
from prefect.context import EngineContext
from prefect.states import Pending

from prefectx._runners.prefect.private import create_task_run, emit_state
from prefectx.dask.crashed_state import crashed
from prefectx.dask.outcome import InHand

if TYPE_CHECKING:
    import uuid

    from prefect.client.schemas.objects import State
    from prefect.tasks import Task

    from prefectx.dask.future import DaskFuture


FLOW_ENDED: Final = "flow-ended"
"""Why Dask was told to cancel a call."""


class SubmittedCall(NamedTuple):
    """What must be known of a call to say what became of it.

    Attributes:
        future: Its future.
        task: Its task.
        name: The rendered name of its run, or its task's name.
        dependencies: The runs that its parameters came from.
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
    """Settle a call that Dask lost, here and in Prefect's records.

    Args:
        call: The call.
        error: What Dask says of it.
    """
    state = _state(call, error)
    try:
        call.context.run(_report, call, state)
    except Exception as unreported:  # noqa: BLE001 - whoever waits must be told all the same
        state.message = f"{state.message} (Prefect could not be told: {unreported!r}.)"
    call.future.settle(InHand(state))


def _state(call: SubmittedCall, error: BaseException) -> State[Any]:
    for future in call.upstream:
        # Dask hands the error of a task on to all that wait for it.
        if future.has_failed:
            message = f"Upstream task run '{future.task_run_id}' did not reach a 'COMPLETED' state."
            return Pending(name="NotReady", message=message)
    return crashed(_reason(call.name, error), error)


def _reason(name: str, error: BaseException) -> str:
    if isinstance(error, KilledWorker):
        return (
            f"task run {name!r} crashed: each of the {error.allowed_failures + 1} workers that it"
            f" was tried on died, at last {error.last_worker.address}. Out of memory, a crash of"
            " compiled code, or a worker taken for dead because the task held the global lock for"
            " too long are the usual reasons; the worker's log tells. isolate=True on the task,"
            " and memory_limit= or keepalive= of task_runner, are the cures."
        )
    if getattr(error, "reason", None) == FLOW_ENDED:
        return f"task run {name!r} crashed: its flow ended before it did."
    return (
        f"task run {name!r} crashed: the cluster did not run it to its end"
        f" ({type(error).__name__}: {error}). Outputs that were finished are kept: run the flow"
        " again to make what is missing."
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
