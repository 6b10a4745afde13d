"""Execution of a call: runs the function and stores its output."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from prefectx._calls import outcome
from prefectx._calls.here import in_task
from prefectx._calls.recorded_arguments import shape_of
from prefectx._calls.run import task_body
from prefectx._identity.file_fingerprint import FileFingerprint
from prefectx._logs.run_names import named_run
from prefectx._logs.runs_log import log_run
from prefectx._values.handles import is_state, result_of
from prefectx._values.item import load_items, load_result
from prefectx.errors import PrefectxError, UnsupportedValue
from prefectx.stores import record as records

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from prefectx._calls.call import Call
    from prefectx._naming.decorated import AnyTask
    from prefectx._values.item import Item
    from prefectx.stores.record import Record


def output_at(item: Item[Any]) -> Any:
    """Return the caller's value for an Item: its data inside a task, else the Item."""
    return item.load() if in_task() else item


def run_and_keep(call: Call) -> Any:
    """Run the function and store its output. The caller must hold the lock, if there is one."""
    start = time.perf_counter()
    with task_body():
        value = execute(call.task, call.args, call.kwargs)
    return _keep(call, value, time.perf_counter() - start)


async def arun_and_keep(call: Call) -> Any:
    """Async version of `run_and_keep`."""
    start = time.perf_counter()
    with task_body():
        value = await execute(call.task, call.args, call.kwargs)
    return _keep(call, value, time.perf_counter() - start)


def _keep(call: Call, value: Any, seconds: float) -> Any:
    item = call.item
    if item is None:
        outcome.note_success(call, seconds)
        return value
    if is_state(value):
        if not value.is_completed():
            # There is no output.
            outcome.note_failed_state(call, value)
            return value
        value = None if value.data is None else result_of(value)
    record = _store(call, item, value, seconds)
    # The Item must know its version, because others may replace the target.
    item.note_version(record.version)
    outcome.note_success(call, seconds, record)
    return value if in_task() else item


def _store(call: Call, item: Item[Any], value: Any, seconds: float) -> Record:
    """Store an output with its record; return the record."""
    record = call.record(seconds, shape_of(value))
    try:
        if item.store.is_written_by_function:
            item.store.save(item.target, value)
            record = record._replace(output=FileFingerprint.of(item.path, is_output=True))
            records.write(item.store, item.target, record)
        elif call.reasons:
            _save_locked(call, item, value, record)
        else:
            records.save(item.store, item.target, value, record)
    except (PrefectxError, OSError) as error:
        error.add_note(f"This is the output of {call.summary}, target {item.target!r}.")
        raise
    return record


def _save_locked(call: Call, item: Item[Any], value: Any, record: Record) -> None:
    """Store an output and its record such that those of two processes never get mixed."""
    with _lock_unless_once(call, item):
        # Otherwise the old record, or none at all, would be taken for the new output's.
        records.write(item.store, item.target, record._replace(complete=False))
        item.store.save(item.target, value)
        records.write(item.store, item.target, record)


def _lock_unless_once(call: Call, item: Item[Any]) -> AbstractContextManager[None]:
    if call.task.once:
        return nullcontext()
    try:
        return item.store.lock(item.target)
    except UnsupportedValue:
        # The store has no locks. Loading compares the record before and after.
        return nullcontext()


def execute(task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call the task's function with Items replaced by their data.

    Returns:
        The function's result; of a coroutine function, a coroutine of it.
    """
    args, kwargs = load_items(args), load_items(kwargs)
    log_run(task.name)
    names = {
        "task_name": task.name,
        "task_run_name": task.naming.run_name(args, kwargs) or task.name,
    }
    if task.is_async and not task.is_generator:
        return _await_named(task.fn(*args, **kwargs), names)
    with named_run(**names):
        return load_result(task.fn(*args, **kwargs))


async def _await_named(coroutine: Coroutine[Any, Any, Any], names: dict[str, str]) -> Any:
    with named_run(**names):
        return load_result(await coroutine)
