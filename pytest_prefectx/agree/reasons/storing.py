"""Reasons in the storage of outputs."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_prefectx.agree.formatting import short_text, task_text
from pytest_prefectx.agree.reasons.case import Case, Kind, Reason, error_text, first_at
from pytest_prefectx.equality import difference
from pytest_prefectx.modes import is_prefect

if TYPE_CHECKING:
    from pytest_prefectx.agree.trace import TaskCall


def not_kept(case: Case) -> Reason | None:
    """Find an output that cannot be stored, or that changes when it is stored and loaded."""
    for call in case.first.calls:
        if call.item is None or call.error or call.item.store.is_written_by_function:
            continue
        try:
            call.item.store.save(call.item.target, call.result)
        except Exception as error:  # noqa: BLE001 - a format may fail in any way
            return _not_saved(call, error)
        try:
            loaded = call.item.load()
        except Exception as error:  # noqa: BLE001 - a format may fail in any way
            return _changed(call, f"it cannot be loaded: {error_text(error)}")
        if (found := difference(call.result, loaded)) is not None:
            return _changed(call, f"it is another one when it is loaded, {first_at(found)}")
    return None


def exception_changed(case: Case) -> Reason | None:
    """Find an exception that cannot be pickled."""
    if not is_prefect(case.mode) or case.got.error is None:
        return None
    for call in case.first.calls:
        if call.error is None or _travels(call.error):
            continue
        return Reason(
            "exception",
            f"{task_text(call)} raises {type(call.error).__name__}, which does not survive"
            " pickling: it cannot come back from the process where the task runs.",
            "let it hold plain data alone, and hand all arguments of its __init__ on to"
            " super().__init__(…); or give it a __reduce__.",
        )
    return None


def file_overwritten(case: Case) -> Reason | None:
    """Find two calls that return the path of the same file, with different content."""
    for one, other in case.first.pairs():
        if one.file is None or one.file == other.file or not _is_path(other.returned):
            continue
        if os.path.abspath(one.returned) == os.path.abspath(other.returned):
            return Reason(
                "overwritten-file",
                f"{task_text(one)} gives the path {short_text(one.returned)}, and a later call of"
                f" {other.task.name} writes something else to it. Which of the two is there"
                " depends on which task ran last.",
                "let each call write a file of its own: name in the path what tells them apart.",
            )
    return None


def _not_saved(call: TaskCall, error: Exception) -> Reason:
    storable = _pickles(call.result)
    kind: Kind = "format" if storable else "unstorable"
    target = call.item.target if call.item is not None else ""
    return Reason(
        kind,
        f"the output of {task_text(call)} cannot be stored in the target {target!r}:"
        f" {error_text(error)}.",
        "return what its format can keep, or choose another suffix (none: pickle)."
        if storable
        else "return data, not what holds a function, a file or a lock; or give the task"
        " target=None, so that it always runs.",
    )


def _changed(call: TaskCall, how: str) -> Reason:
    target = call.item.target if call.item is not None else ""
    return Reason(
        "format",
        f"the output of {task_text(call)}, of type {type(call.result).__name__}, does not survive"
        f" its format (target {target!r}): {how}.",
        "return what its format can keep, choose another suffix (none: pickle), or repair the"
        " format or the class's __getstate__.",
    )


def _is_path(value: Any) -> bool:
    return isinstance(value, str | Path)


def _pickles(value: Any) -> bool:
    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # noqa: BLE001 - any class may refuse in any way
        return False
    return True


def _travels(error: BaseException) -> bool:
    try:
        copy = pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - an exception's class may do anything
        return False
    return difference(error, copy) is None
