"""Reasons that lie in what becomes of an output where it is kept."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefectx.errors import (
    CorruptTarget,
    TargetCollision,
    TargetMissing,
    TemplateError,
    UnsafeTarget,
    UnsupportedValue,
)
from prefectx.stores.written import SelfWritten
from pytest_prefectx.equality import Difference, difference
from pytest_prefectx.hidden import CURRENT_FOLDER
from pytest_prefectx.reasons.case import Case, Kind, Reason
from pytest_prefectx.shown import described, shown

if TYPE_CHECKING:
    from pytest_prefectx.trace import TaskCall

_WRITES_ELSEWHERE = "let it write to the path that it returns, and return the path of its target."
_RENAME = "name in the target only what each call has, and what can be part of a file's name."
_TELL_APART = "name in the target what tells the calls apart, as {base} does by itself."
_REPAIR = "let the format's load give back what its dump was given."

_SAID: tuple[tuple[type[Exception], Kind, str], ...] = (
    (TargetCollision, "shared-target", _TELL_APART),
    (TargetMissing, "target-missing", _WRITES_ELSEWHERE),
    (CorruptTarget, "format", _REPAIR),
)


def refused(case: Case) -> Reason | None:
    """Find what prefectx itself has said."""
    error = case.got.error
    if isinstance(error, UnsupportedValue | TemplateError | UnsafeTarget):
        return _not_named(case) or not_kept(case)
    if isinstance(error, TargetMissing) and (reason := _moved(case)):
        return reason
    for kind, name, advice in _SAID:
        if isinstance(error, kind):
            return Reason(name, _words(error), advice)
    return None


def not_kept(case: Case) -> Reason | None:
    """Find an output that cannot be kept, or that is another one once it was kept."""
    for call in case.first.calls:
        if call.item is None or call.error:
            continue
        try:
            call.item.store.save(call.item.target, call.result)
            loaded = call.item.load()
        except Exception as error:  # noqa: BLE001 - a format may fail in any way
            return _not_saved(call, error)
        if (found := difference(call.result, loaded)) is not None:
            return _changed(call, found)
    return None


def exception_changed(case: Case) -> Reason | None:
    """Find an exception that another process cannot be sent."""
    for call in case.first.calls:
        if call.error is None or _travels(call.error):
            continue
        return Reason(
            "exception",
            f"{described(call)} raises {type(call.error).__name__}, which does not survive"
            " pickling: it cannot come back from the process where the task runs.",
            "hand all arguments of its __init__ on to super().__init__(…), or give it a"
            " __reduce__.",
        )
    return None


def file_overwritten(case: Case) -> Reason | None:
    """Find two calls that have given the path of one file, with different content."""
    for one, other in case.first.pairs():
        if one.file is None or one.file == other.file or not _is_path(other.returned):
            continue
        if os.path.abspath(one.returned) == os.path.abspath(other.returned):
            return Reason(
                "overwritten-file",
                f"{described(one)} gives the path {shown(one.returned)}, and a later call of"
                f" {other.task.name} writes something else to it. Which of the two is there"
                " depends on which task ran last.",
                "let each call write a file of its own: name in the path what tells them apart.",
            )
    return None


def _not_named(case: Case) -> Reason | None:
    """Find a call of which no target can be made."""
    for call in case.first.calls:
        if call.unnamed is not None:
            return Reason(
                "template",
                f"no target can be named for a call of {described(call)}: {_words(call.unnamed)}"
                " In function and prefect no target is named.",
                _RENAME,
            )
    return None


def _moved(case: Case) -> Reason | None:
    """Find a flow that goes to another folder while targets are relative to the current one."""
    for call in case.first.calls:
        if (where := call.hidden[CURRENT_FOLDER]) != str(case.folder.path):
            return Reason(
                "hidden-input",
                f"{described(call)} is called while the current folder is {where}, below which its"
                " target is looked for then; elsewhere it is not there.",
                "leave the current folder as it is, or give the store a root of its own:"
                ' Filestore("/full/path").',
            )
    return None


def _not_saved(call: TaskCall, error: Exception) -> Reason:
    if call.item and isinstance(call.item.store, SelfWritten):
        return Reason(
            "target-missing",
            f"{described(call)} is to write its target {call.item.target!r} itself and to return"
            f" its path: {_words(error)}",
            _WRITES_ELSEWHERE,
        )
    storable = _pickles(call.result)
    kind: Kind = "format" if storable else "unstorable"
    target = call.item.target if call.item else ""
    return Reason(
        kind,
        f"the output of {described(call)} cannot be kept in the target {target!r}: {_words(error)}",
        "return what its format can keep, or choose another suffix (none: pickle)."
        if storable
        else "return data, not what holds a function, a file or a lock; or give the task"
        " target=None, so that it always runs.",
    )


def _changed(call: TaskCall, found: Difference) -> Reason:
    target = call.item.target if call.item else ""
    where = f" at result{found.path}" if found.path else ""
    return Reason(
        "format",
        f"the output of {described(call)}, of type {type(call.result).__name__}, does not survive"
        f" its format (target {target!r}): it is another one when it is loaded{where}:"
        f" {found.why} ({shown(found.left)}, then {shown(found.right)}).",
        "return what its format can keep, choose another suffix (none: pickle), or repair the"
        " format or the class's __getstate__.",
    )


def _words(error: BaseException) -> str:
    """Return what an error says, in one line."""
    said = [str(error), *getattr(error, "__notes__", ())]
    return " ".join(" ".join(said).split())


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
