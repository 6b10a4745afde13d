"""Reasons that prefectx's own exceptions show."""

from __future__ import annotations

from prefectx.errors import (
    CorruptTarget,
    TargetCollision,
    TargetMissing,
    TemplateError,
    UnsafeTarget,
    UnsupportedValue,
)
from pytest_prefectx.agree.formatting import short_text, task_text
from pytest_prefectx.agree.hidden import CURRENT_FOLDER
from pytest_prefectx.agree.reasons.case import Case, Reason, error_text
from pytest_prefectx.agree.reasons.inputs import call_text
from pytest_prefectx.agree.reasons.storing import not_kept


def refused(case: Case) -> Reason | None:
    """Find the task to which an exception of prefectx belongs."""
    error = case.got.error
    if isinstance(error, UnsupportedValue | TemplateError | UnsafeTarget):
        return _not_named(case) or _not_written(case) or not_kept(case)
    if isinstance(error, TargetMissing):
        return _moved(case) or _not_written(case)
    if isinstance(error, TargetCollision):
        return _collided(case)
    if isinstance(error, CorruptTarget):
        return not_kept(case) or Reason(
            "format", error_text(error), "let the format's load give back what its dump was given."
        )
    return None


def _not_named(case: Case) -> Reason | None:
    """Find a call for which no target can be rendered."""
    for call in case.first.calls:
        if call.unnamed is not None:
            return Reason(
                "template",
                f"no target can be named for a call of {task_text(call)}: see the"
                f" {type(call.unnamed).__name__} above. In function and prefect none is named.",
                "name in the target only what each call has, and what can be part of a file's"
                " name.",
            )
    return None


def _collided(case: Case) -> Reason | None:
    """Find the two calls that share a target."""
    for one, other in case.first.pairs():
        if one.item is None or other.item is None or one.is_same_call(other):
            continue
        if one.item.path == other.item.path:
            return Reason(
                "shared-target",
                f"two different calls share the target {one.item.target!r} in one run:"
                f" {call_text(one)} and {call_text(other)}; {task_text(other)}.",
                "name in the target what tells the calls apart, as {base} does by itself.",
            )
    return None


def _not_written(case: Case) -> Reason | None:
    """Find a task that should have written its target itself."""
    for call in case.first.calls:
        if call.item is None or not call.item.store.is_written_by_function:
            continue
        target = call.item.store.location(call.item.target)
        gave = short_text(call.result) + ("" if call.file else ", which is no file")
        return Reason(
            "target-missing",
            f"{task_text(call)} is to write its target {target!r} itself and to return that path."
            f" It gave {gave}.",
            "let the function write exactly its target's path (mind suffixes that a library adds),"
            " and return that path.",
        )
    return None


def _moved(case: Case) -> Reason | None:
    """Find a flow that changes the current folder, to which targets are relative."""
    for call in case.first.calls:
        if (where := call.hidden[CURRENT_FOLDER]) != str(case.folder.path):
            return Reason(
                "hidden-input",
                f"{task_text(call)} is called while the current folder is {where}, below which its"
                " target is checked then; elsewhere it does not exist.",
                "leave the current folder as it is, or give the store a root of its own:"
                ' Filestore("/full/path").',
            )
    return None
