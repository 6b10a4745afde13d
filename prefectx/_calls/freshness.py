"""Freshness: whether a call's target exists and is valid, and notes for warnings if it is old."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Final

from prefectx._calls.audit import AUDIT
from prefectx._calls.changes import changed_files, difference, has_other_code
from prefectx._calls.refresh import wants_refresh
from prefectx._calls.run import current_run, task_claims_here
from prefectx._identity.exact_text import exact_text
from prefectx._identity.file_fingerprint import FileFingerprint
from prefectx._settings.rerun import may_rerun_here
from prefectx.errors import TargetCollision
from prefectx.stores.record import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prefectx._calls.call import Call
    from prefectx._naming.decorated import AnyTask
    from prefectx._values.item import Item
    from prefectx.stores.record import Record


def fast_hit(
    task: AnyTask,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    counts: Callable[[Item[Any]], bool] | None = None,
) -> Item[Any] | None:
    """Return the Item of a call that is known to be done; None if that takes a closer look.

    This fast path needs: the run has checked the task before, the arguments are small literals or
    Items, no other call has claimed the target, and this task has made it.

    Args:
        task: The task.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        counts: Tells whether a target that is there counts; None if each does.
    """
    claims = task_claims_here(task.naming)
    if claims is None or "return_state" in kwargs or "wait_for" in kwargs:
        return None
    # A flow within the run may have reasons that the one around it does not have.
    if AUDIT.raw() is not None or may_rerun_here():
        return None
    try:
        arguments = task.naming.bind(*args, **kwargs)
        text = exact_text(arguments, claims.store)
        item = None if text is None else task.naming.item_of(arguments, store=claims.store)
    except Exception:  # noqa: BLE001 - the slow path raises it again, with more details
        return None
    if text is None or item is None:
        return None
    version = claims.version_of_hit(item, text)
    if version is None or not (counts is None or counts(item)):
        return None
    claims.count_skipped()
    return item.note_version(version)


def is_done(call: Call) -> bool:
    """Tell whether the target exists and is valid; if so, later calls may take the fast path.

    Raises:
        TargetCollision: Another call of this run fills the same target, or another task made it.
    """
    item, task = call.item, call.task
    if item is None:
        return False
    is_ours = call.claim()
    needs_record = call.must_read_record()
    mark = _mark_at(item, needs_record=needs_record)
    if mark is None or _must_refresh(task, item):
        return False
    version = call.mark
    # Nobody knows who made a target without a mark: it was put there by hand.
    if mark not in {"", version}:
        record = read(item.store, item.target)
        if record is None:
            _note_missing_record(call, item, is_ours=is_ours)
            # Another program's mark: what is there now is what the Item stands for.
            version = version if needs_record else mark
        elif not _is_valid(call, item, record, is_ours=is_ours):
            return False
        else:
            version = record.version
    item.note_version(version)
    if not (needs_record or wants_refresh(task)):
        run = current_run()
        run.remember_task(task, item, call.task_number(run))
    return True


def _mark_at(item: Item[Any], *, needs_record: bool) -> str | None:
    """Return the mark of the task and the call that made a target; None if there is no target."""
    if not needs_record:
        return item.store.look(item.target)
    # Only the record says whether the inputs, the files or the output have changed.
    return "see the record" if item.exists() else None


def _is_valid(call: Call, item: Item[Any], record: Record, *, is_ours: bool) -> bool:
    """Tell whether a target with this record is valid; note if it may be outdated.

    Args:
        call: The call.
        item: Its Item.
        record: The record of what is at the target.
        is_ours: Whether no other call of this run has claimed the target.
    """
    _check_maker(call, item, record)
    if not record.complete or _was_overwritten(item, record) or _is_stale(call, record):
        return False
    _check_base(call, item, record)
    # If another call has the target, that was reported already.
    if is_ours and (why := difference(call, record)):
        current_run().note_stale(call.task, item, why)
    return True


def _note_missing_record(call: Call, item: Item[Any], *, is_ours: bool) -> None:
    """Note that nothing tells whether a target is outdated, where the task asks for it.

    It is not recomputed: it may have been put there by hand.
    """
    if call.reasons and is_ours:
        why = "has no record, so nothing tells whether it is outdated"
        current_run().note_stale(call.task, item, why)


def _must_refresh(task: AnyTask, item: Item[Any]) -> bool:
    """Tell whether `refresh` asks to recompute the target and this run has not done so yet."""
    return wants_refresh(task) and item.path not in current_run().recomputed


def _check_maker(call: Call, item: Item[Any], record: Record) -> None:
    if record.task == call.task.qualified_name:
        return
    msg = (
        f"target {item.target!r} of {call.summary} was made by another task: {record.call}. The"
        f" output of {record.task!r} is never used for this task. Give the two tasks different"
        " targets (a folder each, say); if the task was only renamed or moved, delete the target:"
        f" {item.path!r}."
    )
    raise TargetCollision(msg)


def _check_base(call: Call, item: Item[Any], record: Record) -> None:
    """Raise `TargetCollision` if the target was made for another argument of the same base."""
    base_from = call.task.naming.base_from(call.identity.arguments)
    if (record.base_from or "") == base_from:
        return
    msg = (
        f"target {item.target!r} of {call.summary} was made by another call: {record.call}. A task"
        " whose only argument is an Item uses the Item's base, so both calls have this target. Give"
        " them different targets (by two tasks, or more arguments in the template), set"
        f" rerun_on={{'inputs'}}, or delete the target to recompute it: {item.path!r}."
    )
    raise TargetCollision(msg)


def _was_overwritten(item: Item[Any], record: Record) -> bool:
    """Tell whether a file that a function wrote itself has changed since."""
    if record.output is None:
        return False
    return not FileFingerprint(*record.output).matches(item.path)


def _is_stale(call: Call, record: Record) -> bool:
    """Tell whether one of the reasons for a rerun applies."""
    reasons = call.reasons
    return (
        ("code" in reasons and has_other_code(call, record))
        or ("inputs" in reasons and record.inputs != call.inputs())
        or ("inputs" in reasons and bool(changed_files(record)))
        or ("upstream" in reasons and record.contents != call.contents())
        or ("expired" in reasons and _is_expired(call, record))
    )


def _is_expired(call: Call, record: Record) -> bool:
    return call.task.expires is not None and is_too_old(record.made, call.task.expires)


def is_too_old(made: str, expires: datetime.timedelta) -> bool:
    """Tell whether an output of this time, as it stands in its record, has expired."""
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(made)
    # One of the future was made before a clock was set back: its age is not known.
    return not -_CLOCKS_DIFFER <= age <= expires


# By so much the clocks of two machines may differ.
_CLOCKS_DIFFER: Final = datetime.timedelta(minutes=1)
