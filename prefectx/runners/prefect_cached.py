"""The task run in the state `Cached` that a hit leaves in Prefect's records, with one event.

Prefect's engine would send three, and do all that a run might need before it finds out that there
is nothing to run. What is used here of Prefect is not public: where it is not to be had, the
engine runs the task, whose body finds the target there.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from prefect.context import FlowRunContext
from prefect.logging.loggers import task_run_logger
from prefect.states import Completed

from prefectx.runners.prefect_future import RecordedHit
from prefectx.runners.prefect_task import PrefectTask

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from prefectx.item import Item
    from prefectx.task import Task

_create_task_run: Any = None
_emit: Any = None
_link: Any = None
with suppress(ImportError):
    from prefect.task_engine import (  # type: ignore[no-redef]
        _create_task_run_locally as _create_task_run,  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]
    )
    from prefect.utilities.engine import (  # type: ignore[no-redef]
        emit_task_run_state_change_event as _emit,
    )
    from prefect.utilities.engine import (  # type: ignore[no-redef]
        link_state_to_task_run_result as _link,
    )

# Whatever else a task asks of Prefect, its engine sees to.
_OF_NO_EFFECT: Final = frozenset(
    {
        *("target", "base", "store", "save", "name", "modules", "rerun_on", "once"),
        *("description", "tags", "version", "log_prints", "timeout_seconds", "cache_policy"),
        *("retries", "retry_delay_seconds", "retry_jitter_factor", "retry_condition_fn"),
    }
)


def can_record(task: Task[..., Any]) -> bool:
    """Tell whether a hit can be recorded without Prefect's engine: in a flow, with known options."""
    return (
        _create_task_run is not None
        and FlowRunContext.get() is not None
        and _OF_NO_EFFECT.issuperset(task.options)
    )


def recorded(
    task: Task[..., Any],
    item: Item[Any],
    given: Any,
    name: str | None,
    parameters: dict[str, Any],
    wait_for: Any,
) -> RecordedHit:
    """Enter a task run that ended in the state `Cached`; return its future.

    Args:
        task: The task.
        item: What its target is.
        given: What the caller is given: the Item, or inside a task the data.
        name: The run's name, if it has one of its own.
        parameters: The arguments, by name.
        wait_for: The futures that the call named.
    """
    prefect_task = PrefectTask.of(task)
    run = _create_task_run(task=prefect_task, parameters=parameters, wait_for=wait_for)
    run.name = name or run.name
    state: State[Any] = Completed(name="Cached", data=item)
    state.state_details.task_run_id = run.id
    state.state_details.flow_run_id = run.flow_run_id
    run.state, run.state_id, run.state_type, run.state_name = state, state.id, state.type, state.name
    run.start_time = run.end_time = state.timestamp
    _link(state, item)
    _emit(task_run=run, initial_state=None, validated_state=state)
    task_run_logger(run, prefect_task).info("Finished in state %s", state)
    return RecordedHit(given, state)
