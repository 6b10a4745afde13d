"""Recording of a hit as a task run in the state `Cached`, by one event.

Prefect's engine would send three events, and prepare a run before it finds out that there is
nothing to run. The functions of Prefect that are used here are not public: see `private`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefect.context import FlowRunContext
from prefect.logging.loggers import task_run_logger
from prefect.states import Completed

from prefectx._calls.make import skip
from prefectx._naming.options import OWN_OPTIONS
from prefectx._runners.prefect import private
from prefectx._runners.prefect.future import RecordedHitFuture
from prefectx._runners.prefect.task import as_prefect_task

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from prefectx._calls.call import Call
    from prefectx._naming.decorated import AnyTask


# Options without an effect on a hit. With any other, Prefect's engine must run.
_OF_NO_EFFECT: Final = OWN_OPTIONS | frozenset(
    {
        *("description", "tags", "version", "log_prints", "timeout_seconds", "cache_policy"),
        *("retries", "retry_delay_seconds", "retry_jitter_factor", "retry_condition_fn"),
    }
)


# Hooks may be added after the task was created.
_EVENTS: Final = ("completion", "failure", "running", "commit", "rollback")


def can_record(task: AnyTask) -> bool:
    """Tell whether a hit can be recorded without Prefect's engine."""
    if FlowRunContext.get() is None or not _OF_NO_EFFECT.issuperset(task.options):
        return False
    real = as_prefect_task(task)
    has_hooks = any(getattr(real, f"on_{event}_hooks") for event in _EVENTS)
    return not has_hooks and private.are_tested()


def record_hit(
    call: Call, name: str | None, parameters: dict[str, Any], wait_for: Any
) -> RecordedHitFuture:
    """Record a task run in the state `Cached`; return its future.

    Args:
        call: A call whose target is valid.
        name: The run's name; None if Prefect makes it.
        parameters: The arguments by name.
        wait_for: The futures in the call's `wait_for`.
    """
    task = as_prefect_task(call.task)
    run: Any = private.create_task_run(task=task, parameters=parameters, wait_for=wait_for)
    run.name = name or run.name
    state: State[Any] = Completed(name="Cached", data=call.item)
    state.state_details.task_run_id = run.id
    state.state_details.flow_run_id = run.flow_run_id
    run.state, run.state_id, run.state_type, run.state_name = (
        state,
        state.id,
        state.type,
        state.name,
    )
    run.start_time = run.end_time = state.timestamp
    private.link_result(state, call.item)
    private.emit_state(task_run=run, initial_state=None, validated_state=state)
    task_run_logger(run, task).info("Finished in state %s", state)
    return RecordedHitFuture(skip(call), state, run.id)
