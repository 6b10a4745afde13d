"""Outcomes of calls: counts them in the run's report and writes them to the journal."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from prefectx._calls.commands import command_about, command_about_failed
from prefectx._calls.recorded_arguments import LONGEST_OF_FAILURE, describe_arguments
from prefectx._calls.refresh import wants_refresh
from prefectx._calls.run import current_run
from prefectx._calls.task_report import Failure
from prefectx._values.handles import result_of
from prefectx._values.tracebacks import hide_own_frames
from prefectx.stores import journal
from prefectx.stores import record as records

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from prefectx._calls.call import Call
    from prefectx._naming.decorated import AnyTask
    from prefectx._values.future import State
    from prefectx._values.item import Item
    from prefectx.stores.record import Record


def note_success(call: Call, seconds: float, record: Record | None = None) -> None:
    """Count and note a call that completed and whose output, if it has a target, is stored.

    Args:
        call: The call.
        seconds: Its duration.
        record: The record of its output.
    """
    run = current_run()
    report = run.report
    text = call.summary if report.has_failures else ""
    if call.item is None:
        report.add_run(call.task, seconds, text)
        return
    if not run.allows_recomputing and wants_refresh(call.task):
        run.recomputed.add(call.item.path)
    size = size_of(call.item)
    report.add_run(call.task, seconds, text, size, call.item.target.rpartition("/")[0])
    root = call.item.store.journal_root()
    if record is not None and root is not None:
        journal.append(root, records.journal_line(call.item.target, record._replace(bytes=size)))
        journal.keep_code(root, record.code, call.task.fn, call.task.code.parts)
        for name, parts in call.identity.code.items():
            journal.keep_parts(root, (record.args_code or {})[name], parts)


def count_skip(task: AnyTask) -> None:
    """Count a call of a task as skipped."""
    current_run().report.line(task).skipped += 1


def note_failed_state(call: Call, state: State[Any]) -> None:
    """Count and note a call whose function has returned a failed or cancelled state."""
    try:
        result_of(state)
    except BaseException as error:  # noqa: BLE001 - the caller gets the state itself
        note_failure(call, error)


def note_failure(call: Call, error: BaseException) -> None:
    """Count and note a call that raised."""
    if isinstance(error, GeneratorExit):
        return
    report, item, text = current_run().report, call.item, call.summary
    name = call.task.qualified_name
    if item is None or not isinstance(error, Exception):
        target = None if item is None else item.target
        report.add_failure(call.task, Failure(name, text, target, error))
        return
    commands = command_about("debug", item, "--pdb"), command_about_failed(item)
    report.add_failure(call.task, Failure(name, text, item.target, error, *commands))
    if (root := item.store.journal_root()) is not None:
        journal.append(root, _failure(call, error))


def make_in_process(call: Call, make: Callable[[Call], Any]) -> Any:
    """Make a call in another process, which has a report of its own; count it in this one."""
    start = time.perf_counter()
    made = make(call)
    note_success(call, time.perf_counter() - start, _record_of(call))
    return made


async def amake_in_process(call: Call, make: Callable[[Call], Coroutine[Any, Any, Any]]) -> Any:
    """Async version of `make_in_process`."""
    start = time.perf_counter()
    made = await make(call)
    note_success(call, time.perf_counter() - start, _record_of(call))
    return made


def _record_of(call: Call) -> Record | None:
    return None if call.item is None else records.read(call.item.store, call.item.target)


def _failure(call: Call, error: Exception) -> str:
    hide_own_frames(error)
    target = "" if call.item is None else call.item.target
    args = describe_arguments(call.task.naming.bind(*call.args, **call.kwargs), LONGEST_OF_FAILURE)
    return records.failure_line(target, call.record(0), error, args)


def size_of(item: Item[Any]) -> int | None:
    """Return the size of an output in bytes, if it is a file or folder on this machine."""
    path = item.path
    if "://" in path:
        return None
    try:
        return os.stat(path).st_size
    except OSError:
        return None
