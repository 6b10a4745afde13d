"""The making of an output: under the lock of `once`, in a child process if isolated, atomically."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefectx._calls import outcome
from prefectx._calls.audit import AUDIT, audit_some
from prefectx._calls.execute import arun_and_keep, output_at, run_and_keep
from prefectx._calls.freshness import is_done
from prefectx._identity.file_fingerprint import FileFingerprint
from prefectx._values.item import Item
from prefectx.stores import record as records

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefectx._calls.call import Call


def skip(call: Call) -> Any:
    """Count a call as skipped; return the caller's value."""
    note_skip(call)
    return None if call.item is None else output_at(call.item)


def note_skip(call: Call) -> None:
    """Count a call as skipped; with `PREFECTX_AUDIT`, compute some of these again."""
    outcome.count_skip(call.task)
    if AUDIT.raw() is not None:
        audit_some(call)


def make(call: Call) -> Any:
    """Run the task's function and store its output; return the caller's value.

    With `once=True` another process may make it meanwhile: see `call.was_made_by_other`.
    """
    if call.item is None or not call.task.once:
        return _make(call)
    from prefectx._calls.once import lock_target

    with lock_target(call.item):
        call.was_made_by_other = is_done(call)
        return skip(call) if call.was_made_by_other else _make(call)


async def amake(call: Call) -> Any:
    """Async version of `make`."""
    if call.item is None or not call.task.once:
        return await _amake(call)
    from prefectx._calls.once import alock_target

    async with alock_target(call.item):
        call.was_made_by_other = is_done(call)
        return skip(call) if call.was_made_by_other else await _amake(call)


def _make(call: Call) -> Any:
    with _note_failures(call), _prepare(call):
        if call.task.isolate:
            # Imported here: few tasks are isolated, and the import is slow.
            from prefectx._calls.child_jobs import make_in_child

            return outcome.make_in_process(call, make_in_child)
        return run_and_keep(call)


async def _amake(call: Call) -> Any:
    with _note_failures(call), _prepare(call):
        if call.task.isolate:
            from prefectx._calls.child_jobs import amake_in_child

            return await outcome.amake_in_process(call, amake_in_child)
        return await arun_and_keep(call)


@contextmanager
def _prepare(call: Call) -> Generator[None]:
    """Note the inputs; announce a target that the function writes, and undo that if it fails."""
    if call.item is None:
        yield
        return
    call.note_inputs()
    store, target = call.item.store, call.item.target
    if not store.is_written_by_function:
        yield
        return
    # A target with an incomplete record is not valid: the process may be killed half-way.
    old_record, old_file = store.load_record(target), FileFingerprint.of(call.item.path)
    announced = records.text_of(call.record(0, is_complete=False))
    store.save_record(target, announced)
    try:
        yield
    except BaseException:
        _discard(call.item, announced, old_record, old_file)
        raise


@contextmanager
def _note_failures(call: Call) -> Generator[None]:
    try:
        yield
    except BaseException as error:
        outcome.note_failure(call, error)
        raise


def _discard(
    item: Item[Any], announced: str, old_record: str | None, old_file: FileFingerprint | None
) -> None:
    """Remove the output of a failed function; leave that of other processes alone."""
    store, target = item.store, item.target
    if store.load_record(target) != announced:
        # Another process has begun to make it, or has made it, since.
        return
    if old_file is not None and old_file.matches(item.path):
        if old_record is not None:
            store.save_record(target, old_record)
        return
    store.delete(target)
