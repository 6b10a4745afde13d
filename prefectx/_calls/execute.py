"""Execution of a call: the function runs, and its output is kept."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from prefectx import records
from prefectx._calls import outcome
from prefectx._calls.audit import AUDIT, audit_some
from prefectx._calls.freshness import is_done
from prefectx._calls.kept_arguments import shape_of
from prefectx._calls.run import current_run, in_task, task_body
from prefectx._identity.file_fingerprint import FileFingerprint
from prefectx._logs.run_names import named_run
from prefectx._settings.environment import Variable
from prefectx._values.containers import is_container, is_dict
from prefectx._values.item import Item, is_handle, load_items, settle_futures
from prefectx._values.kinds import is_state, result_of
from prefectx.errors import PrefectxError, UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator, Mapping

    from prefectx._calls.call import Call
    from prefectx._naming.decorated import AnyTask
    from prefectx.stores.record import Record

RUNS_LOG: Final = Variable("PREFECTX_RUNS_LOG")
"""Names a file that gets one line, a task's name, each time a task's function really runs."""


def given(call: Call) -> Any:
    """Return what the caller of a done call is given: data inside a task, else the Item."""
    current_run().report.line(call.task).skipped += 1
    if AUDIT.raw() is not None:
        audit_some(call)
    if call.item is None or not in_task():
        return call.item
    return call.item.load()


def make(call: Call) -> Any:
    """Run the task's function and keep its output; return what the caller is given.

    With `once=True`, another may make it meanwhile: `call.was_found` tells.
    """
    if call.item is None or not call.task.once:
        return _make(call)
    from prefectx._calls.once import held

    with held(call.item):
        call.was_found = is_done(call)
        return given(call) if call.was_found else _make(call)


async def amake(call: Call) -> Any:
    """Run the coroutine function of a task, and all else as `make` does."""
    if call.item is None or not call.task.once:
        return await _amake(call)
    from prefectx._calls.once import aheld

    async with aheld(call.item):
        call.was_found = is_done(call)
        return given(call) if call.was_found else await _amake(call)


def _make(call: Call) -> Any:
    with _failures_noted(call), _announced(call):
        if call.task.isolate:
            from prefectx._calls.child_jobs import made_in_child

            return outcome.apart(call, made_in_child)
        return run_and_keep(call)


async def _amake(call: Call) -> Any:
    with _failures_noted(call), _announced(call):
        if call.task.isolate:
            from prefectx._calls.child_jobs import amade_in_child

            return await outcome.aapart(call, amade_in_child)
        return await arun_and_keep(call)


def run_and_keep(call: Call) -> Any:
    """Run the function and keep its output, once nobody else can be making it."""
    start = time.perf_counter()
    with task_body():
        value = execute(call.task, call.args, call.kwargs)
    return _keep(call, value, time.perf_counter() - start)


async def arun_and_keep(call: Call) -> Any:
    """Run a coroutine function, and all else as `run_and_keep` does."""
    start = time.perf_counter()
    with task_body():
        value = await execute(call.task, call.args, call.kwargs)
    return _keep(call, value, time.perf_counter() - start)


@contextmanager
def _announced(call: Call) -> Generator[None]:
    """Note what the function may change: its arguments, and a target that it writes itself."""
    if call.item is None:
        yield
        return
    _note_inputs(call)
    store, target = call.item.store, call.item.target
    if not store.is_written_by_function:
        yield
        return
    # Until its record is complete, what lies there does not count: we may be killed half-way.
    before, was = store.load_record(target), FileFingerprint.of(call.item.path)
    announced = records.text_of(call.record(0, is_complete=False))
    store.save_record(target, announced)
    try:
        yield
    except BaseException:
        _discard(call.item, announced, before, was)
        raise


@contextmanager
def _failures_noted(call: Call) -> Generator[None]:
    try:
        yield
    except BaseException as error:
        outcome.failed(call, error)
        raise


def _discard(
    item: Item[Any], announced: str, before: str | None, was: FileFingerprint | None
) -> None:
    """Remove what a function that failed has written; leave alone what others have."""
    store, target = item.store, item.target
    if store.load_record(target) != announced:
        # Another process has begun or made it since.
        return
    if was is not None and was.matches(item.path):
        if before is not None:
            store.save_record(target, before)
        return
    store.delete(target)


def _note_inputs(call: Call) -> None:
    """Work out what the record says of the arguments, for the function may change them."""
    _ = call.summary, call.files(), call.kept_arguments()
    if "inputs" in call.reasons:
        call.inputs()
    if "upstream" in call.reasons:
        call.contents()


def _keep(call: Call, value: Any, seconds: float) -> Any:
    item = call.item
    if item is None:
        outcome.ran(call, seconds)
        return value
    if is_state(value):
        if not value.is_completed():
            # It says that the run went otherwise: there is no output.
            return value
        value = None if value.data is None else result_of(value)
    record = call.record(seconds, shape_of(value))
    try:
        if item.store.is_written_by_function:
            item.store.save(item.target, value)
            record = record._replace(output=FileFingerprint.of(item.path))
            item.store.save_record(item.target, records.text_of(record))
        elif call.reasons:
            _save_for_one_call(call, item, value, record)
            item = item.of_version(record.version)
        else:
            records.save(item.store, item.target, value, record)
    except (PrefectxError, OSError) as error:
        error.add_note(f"This is the output of {call.summary}, target {item.target!r}.")
        raise
    outcome.ran(call, seconds, record)
    return value if in_task() else item


def _save_for_one_call(call: Call, item: Item[Any], value: Any, record: Record) -> None:
    """Keep an output and its record such that those of two processes never get mixed."""
    with _alone(call, item):
        # Else the record of the output before, or none at all, would vouch for the new one.
        records.write(item.store, item.target, record._replace(complete=False))
        item.store.save(item.target, value)
        records.write(item.store, item.target, record)


def _alone(call: Call, item: Item[Any]) -> AbstractContextManager[None]:
    if call.task.once:
        return nullcontext()
    try:
        return item.store.lock(item.target)
    except UnsupportedValue:
        # The store has no locks. Loading compares the record before and after.
        return nullcontext()


def execute(task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call the task's function with the data of Items in their place; return what it returns."""
    args, kwargs = load_items(args), load_items(kwargs)
    _log_run(task.name)
    names = {
        "task_name": task.name,
        "task_run_name": task.naming.run_name(args, kwargs) or task.name,
    }
    if task.is_async and not task.is_generator:
        return _anamed(task.fn(*args, **kwargs), names)
    with named_run(**names):
        return data_of(task.fn(*args, **kwargs))


async def _anamed(coroutine: Coroutine[Any, Any, Any], names: dict[str, str]) -> Any:
    with named_run(**names):
        return data_of(await coroutine)


def data_of(value: Any) -> Any:
    """Return the data where a function has returned Items or futures, or a container of them.

    States stay what they are: they say how the run has ended.
    """
    if is_state(value):
        return value
    if is_handle(value):
        return load_items(settle_futures(value))
    # Not deeper: outputs may be large.
    if is_container(value):
        parts = value.values() if is_dict(value) else value
        return load_items(settle_futures(value)) if any(map(is_handle, parts)) else value
    return value


def _log_run(name: str) -> None:
    if (path := RUNS_LOG.get()) is not None:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{name}\n")
