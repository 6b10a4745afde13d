"""`task_for_call`: a copy of a task with the body, and the run's name, of one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.cache_policies import NO_CACHE

from prefectx._runners.prefect.body import Body, StoringBody
from prefectx._runners.prefect.call_context import CallContext
from prefectx._runners.prefect.run_names import LateRunName, RunName
from prefectx._runners.prefect.upgrade import attributes_of
from prefectx._settings.mode import current_mode
from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable


def shared_task(task: Any) -> Any:
    """Return the task that all calls share, for a copy that was made for one call."""
    return attributes_of(task).get("_shared_task", task)


def task_for_call(task: Any, body: Body | None, name: str | None) -> Any:
    """Return a copy of a task with the body, and the run's name, of one call.

    Args:
        task: The task.
        body: The callable that Prefect runs; None for the function itself.
        name: The run's name; None if it is not known.
    """
    one = object.__new__(type_of(task))
    attributes_of(one).update(attributes_of(task))
    one.__call__ = task.__call__
    one._shared_task = shared_task(task)
    if body is not None:
        one.fn = body
    if name is not None:
        one.task_run_name = RunName(name)
    elif task.naming.names_runs or (_stores_output(task, body) and task.task_run_name is None):
        # Prefect passes the arguments to a name function with a parameter `parameters`.
        context = CallContext.here(current_mode()) if body is None else body.context
        one.task_run_name = LateRunName(shared_task(task), context)
    if _stores_output(task, body):
        # The target is the cache. Prefect's own could return Items whose files were deleted.
        one.cache_policy, one.cache_key_fn, one.result_storage_key = NO_CACHE, None, None
    return one


def _stores_output(task: Any, body: Body | None) -> bool:
    return isinstance(body, StoringBody) and task.naming.has_target


def reduce_task_for_call(task: Any, upgrade: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Return what `__reduce__` returns for a task of `task_for_call`.

    It refers to the task that all calls share, so that the function's globals are not pickled.

    Args:
        task: The copy.
        upgrade: `as_prefect_task`.
    """
    body = task.fn if isinstance(task.fn, Body) else None
    return (_restore, (upgrade, shared_task(task), body, task.task_run_name))


def _restore(upgrade: Callable[[Any], Any], task: Any, body: Body | None, name: Any) -> Any:
    one = task_for_call(upgrade(task), body, None)
    one.task_run_name = name
    return one
