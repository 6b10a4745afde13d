"""The making of an output: by this call alone, in a child if isolated, whole or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefectx._calls import outcome
from prefectx._calls.audit import AUDIT, audit_some
from prefectx._calls.execute import arun_and_keep, output_of, run_and_keep
from prefectx._calls.freshness import is_done
from prefectx._calls.run import current_run
from prefectx._identity.file_fingerprint import FileFingerprint
from prefectx._values.item import Item
from prefectx.stores import record as records

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefectx._calls.call import Call


def given(call: Call) -> Any:
    """Return what the caller of a skipped call is given; count the call as skipped."""
    current_run().report.line(call.task).skipped += 1
    if AUDIT.raw() is not None:
        audit_some(call)
    return output_of(call)


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
            # Few tasks are: what starts a child takes long to import.
            from prefectx._calls.child_jobs import made_in_child

            return outcome.apart(call, made_in_child)
        return run_and_keep(call)


async def _amake(call: Call) -> Any:
    with _failures_noted(call), _announced(call):
        if call.task.isolate:
            from prefectx._calls.child_jobs import amade_in_child

            return await outcome.aapart(call, amade_in_child)
        return await arun_and_keep(call)


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
