"""Freshness: whether a call's target is there and counts, and what is told of it if it is old."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from prefectx._calls.audit import AUDIT
from prefectx._calls.refresh import wants_refresh
from prefectx._calls.run import current_run, known_here, other_version
from prefectx._identity.exact_text import exact_text
from prefectx._identity.file_fingerprint import FileFingerprint
from prefectx.errors import TargetCollision
from prefectx.stores import record as records
from prefectx.stores.record import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefectx._calls.call import Call
    from prefectx._naming.decorated import AnyTask
    from prefectx._values.item import Item
    from prefectx.stores.record import Record


def plain_hit(task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return what a call gives if it is plainly done, else None.

    The run knows the task, the arguments are small literals or Items, no other call has claimed
    the target, and what is there is this task's.
    """
    known = known_here(task.naming)
    if known is None or "return_state" in kwargs or "wait_for" in kwargs:
        return None
    if AUDIT.raw() is not None:
        return None
    try:
        arguments = task.naming.bind(*args, **kwargs)
        text = exact_text(arguments)
        item = None if text is None else task.naming.item_of(arguments)
    except Exception:  # noqa: BLE001 - raised again on the long way, with all that is known
        return None
    if text is None or item is None:
        return None
    return known.found(item, text)


def is_done(call: Call) -> bool:
    """Tell whether the target is there and counts.

    Raises:
        TargetCollision: Another call of this run fills the same target, or another task made it.
    """
    item = call.item
    if item is None:
        return False
    is_claimed = call.claim()
    mark = item.store.look(item.target)
    if mark is None or _is_refreshed(call.task, item):
        return False
    task, run = call.task, current_run()
    asks = bool(call.reasons) or task.naming.must_read_records
    # Without a mark there is no record. What this very call has made is looked at once a folder.
    is_other = mark not in {"", task.maker_mark + call.identity.key}
    must_read = is_other or asks or (mark and run.looks_first(task.identity, item.target))
    text = item.store.load_record(item.target) if must_read else None
    record = None if text is None else parsed(text)
    if record is not None:
        _check_maker(call, item, record)
        if not record.complete or _was_overwritten(item, record):
            return False
        if _is_stale(call, record):
            return False
        _check_base(call, item, record)
        if is_claimed:
            # Else it was said already.
            _note_what_is_old(call, item, record)
        if call.reasons:
            call.item = item.of_version(record.version)
    if not (asks or wants_refresh(task)):
        run.know(task, item, call.mark(run))
    return True


def _is_refreshed(task: AnyTask, item: Item[Any]) -> bool:
    """Tell whether the target is to be made anew because `refresh` asks for it."""
    return wants_refresh(task) and item.path not in current_run().remade


def _check_maker(call: Call, item: Item[Any], record: Record) -> None:
    if record.task == call.task.qualified_name:
        return
    msg = (
        f"target {item.target!r} of {call.summary} was made by another task: {record.call}. What"
        f" {record.task!r} has made never counts as this task's. Let the targets of the two differ"
        " (a folder of their own, say), or if the task was only renamed or moved, delete the"
        f" target: {item.path!r}."
    )
    raise TargetCollision(msg)


def _check_base(call: Call, item: Item[Any], record: Record) -> None:
    """Raise `TargetCollision` if the target was made for another argument of the same base."""
    base_from = call.task.naming.base_from(call.identity.arguments)
    if (record.base_from or "") == base_from:
        return
    msg = (
        f"target {item.target!r} of {call.summary} was made by another call: {record.call}. A task"
        " whose one argument is an Item takes over the Item's base, so that both have this target."
        " Let them differ (two tasks, or a template that names more), let rerun_on={'inputs'}"
        f" decide, or delete the target to make it anew: {item.path!r}."
    )
    raise TargetCollision(msg)


def _was_overwritten(item: Item[Any], record: Record) -> bool:
    """Tell whether a file that a function wrote itself is another by now."""
    if record.output is None:
        return False
    return not FileFingerprint(*record.output).matches(item.path)


def _is_stale(call: Call, record: Record) -> bool:
    """Tell whether one of the reasons for a rerun applies."""
    reasons = call.reasons
    return (
        ("code" in reasons and _other_code(call, record))
        or ("inputs" in reasons and record.inputs != call.inputs())
        or ("inputs" in reasons and bool(_changed_files(call, record)))
        or ("upstream" in reasons and record.contents != call.contents())
        or ("expired" in reasons and _is_expired(call, record))
    )


def _other_code(call: Call, record: Record) -> bool:
    return record.python == records.python_version() and record.code != call.task.code_hash


def _changed_files(call: Call, record: Record) -> list[str]:
    """Return the input files that hold something else than when the output was made."""
    return [
        path
        for path, found in (record.files or {}).items()
        if not FileFingerprint(*found).matches(path)
    ]


def _is_expired(call: Call, record: Record) -> bool:
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(record.made)
    return call.task.expires is not None and age > call.task.expires


def _note_what_is_old(call: Call, item: Item[Any], record: Record) -> None:
    """Note for the run's warnings what is trusted although it was made otherwise."""
    if record.key not in {None, call.identity.key}:
        why = f"was made by another call: {record.call}, now {call.summary}"
    elif _other_code(call, record):
        why = other_version(call.task.name)
    elif changed := _changed_files(call, record):
        why = f"is older than its input {changed[0]!r}"
    else:
        return
    current_run().note_stale(call.task, item.target, why)
