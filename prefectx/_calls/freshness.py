"""Freshness: whether a call's target exists and is valid, and notes for warnings if it is old."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Final

from prefectx._calls.audit import AUDIT
from prefectx._calls.changes import changed_arguments, changed_code
from prefectx._calls.refresh import wants_refresh
from prefectx._calls.run import current_run, other_version_text, task_claims_here
from prefectx._identity.exact_text import exact_text
from prefectx._identity.file_fingerprint import FileFingerprint, is_unchanged
from prefectx.errors import TargetCollision
from prefectx.stores.record import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefectx._calls.call import Call
    from prefectx._naming.decorated import AnyTask
    from prefectx._values.item import Item
    from prefectx.stores.record import Record


def fast_hit(task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return the value of a call that is known to be done; None if that takes a closer look.

    This fast path needs: the run has checked the task before, the arguments are small literals or
    Items, no other call has claimed the target, and this task has made it.
    """
    claims = task_claims_here(task.naming)
    if claims is None or "return_state" in kwargs or "wait_for" in kwargs:
        return None
    if AUDIT.raw() is not None:
        return None
    try:
        arguments = task.naming.bind(*args, **kwargs)
        text = exact_text(arguments)
        item = None if text is None else task.naming.item_of(arguments)
    except Exception:  # noqa: BLE001 - the slow path raises it again, with more details
        return None
    if text is None or item is None:
        return None
    return claims.hit(item, text)


def is_done(call: Call) -> bool:
    """Tell whether the target exists and is valid.

    Raises:
        TargetCollision: Another call of this run fills the same target, or another task made it.
    """
    item = call.item
    if item is None:
        return False
    is_claimed = call.claim()
    task, run = call.task, current_run()
    asks = bool(call.reasons) or task.naming.must_read_records
    if asks:
        is_there, must_read = item.store.exists(item.target), True
    else:
        mark = item.store.look(item.target)
        # Without a mark there is no record. Of what this call has made, one record a folder is
        # read.
        is_other = mark not in {"", None, task.maker_mark + call.identity.key}
        is_there = mark is not None
        must_read = is_other or (bool(mark) and run.is_first_look(task.identity, item.target))
    if not is_there or _is_refreshed(task, item):
        return False
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
            # Otherwise the collision was reported already.
            _note_if_old(call, item, record)
        if call.reasons:
            call.item = item.with_version(record.version)
    if not (asks or wants_refresh(task)):
        run.remember_task(task, item, call.mark(run))
    return True


def _is_refreshed(task: AnyTask, item: Item[Any]) -> bool:
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
        ("code" in reasons and _other_code(call, record))
        or ("inputs" in reasons and record.inputs != call.inputs())
        or ("inputs" in reasons and bool(_changed_files(call, record)))
        or ("upstream" in reasons and record.contents != call.contents())
        or ("expired" in reasons and _is_expired(call, record))
    )


def _other_code(call: Call, record: Record) -> bool:
    return record.code != call.task.code_hash


def _changed_files(call: Call, record: Record) -> list[str]:
    """Return the input files that have changed since the output was made."""
    return [path for path, found in (record.files or {}).items() if not is_unchanged(path, found)]


def _list_names(what: str, names: list[str]) -> str:
    """Return ` (what: a, b)` for a warning that takes one line, "" for no names."""
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return f" ({what}: {', '.join(names[:_MOST_NAMES])}{more})"


_MOST_NAMES: Final = 3


def _is_expired(call: Call, record: Record) -> bool:
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(record.made)
    return call.task.expires is not None and age > call.task.expires


def _note_if_old(call: Call, item: Item[Any], record: Record) -> None:
    """Note for the run's warnings that a target is used although its call or code has changed."""
    if record.key not in {None, call.identity.key}:
        why = f"was made by another call: {record.call}, now {call.summary}"
        why += _list_names("other arguments", changed_arguments(call, record))
    elif _other_code(call, record):
        why = other_version_text(call.task.name) + _list_names(
            "changed", changed_code(call, record)
        )
    elif changed := _changed_files(call, record):
        why = f"is older than its input {changed[0]!r}"
    else:
        return
    current_run().note_stale(call.task, item.target, why)
