"""Reasons in the body of the flow."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from pytest_prefectx.agree.formatting import task_text
from pytest_prefectx.agree.hidden import OF_CHANCE, changed_inputs
from pytest_prefectx.agree.reasons.case import Case, Reason
from pytest_prefectx.modes import is_prefect

if TYPE_CHECKING:
    from pytest_prefectx.agree.trace import TaskCall

# The names of Items and futures in Python's own messages and reprs.
_HANDLE: Final = re.compile(r"\bItem\b|\b\w*Future(List)?\b")

_ONE_AFTER_THE_OTHER: Final = (
    "let each task depend on its arguments alone, and bring results into order afterwards."
)


def handle_refused(case: Case) -> Reason | None:
    """Find a flow that computes with an Item or a future, for which Python raises an error."""
    error = case.got.error
    named = isinstance(error, TypeError | AttributeError) and _HANDLE.search(str(error))
    return _not_loaded(case) if named and case.uses else None


def handle_used(case: Case) -> Reason | None:
    """Find a flow that behaves differently with Items, even if they hold the same objects."""
    return _not_loaded(case) if case.item_sensitive_task else None


def mode_asked(case: Case) -> Reason | None:
    """Find a flow or a task whose result depends on the mode itself."""
    if not case.differs(case.cache_mode_run):
        return None
    for one, other in zip(case.first.calls, case.cache_mode_run.calls, strict=False):
        if one.is_same_call(other) and one.result_difference(other) is not None:
            who = task_text(one)
            break
    else:
        who = f"the body of {case.program.name}"
    return Reason(
        "mode-asked",
        f"{who} does something else in another mode, although all tasks run as plain functions: it"
        " asks for the mode, by current_mode() or the environment variable PREFECTX.",
        "let results depend on arguments alone; decide by the mode nothing but what is printed.",
    )


def order(case: Case) -> Reason | None:
    """Find coroutine functions whose order matters."""
    # In the Prefect modes, submitted tasks run at the same time.
    calls = [call for call in case.first.calls if call.task.is_async or is_prefect(case.mode)]
    coroutines = sorted({call.task.name for call in calls})
    if not coroutines:
        return None
    shared = _shared(calls)
    if not (shared or case.differs(case.queued_run) or case.differs(case.reversed_run)):
        return None
    through = f", through {shared[0]}" if shared else ""
    return Reason(
        "order",
        f"the result depends on the order in which calls of {', '.join(coroutines)} run{through}."
        " A hit does not wait for its turn, and Prefect runs what was submitted at the same time.",
        _ONE_AFTER_THE_OTHER,
    )


def _shared(calls: list[TaskCall]) -> list[str]:
    """Return the hidden inputs that several of the calls change."""
    changes = [{*changed_inputs(call.hidden, call.hidden_after)} - {*OF_CHANCE} for call in calls]
    counted = Counter(name for names in changes for name in names)
    return sorted(name for name, count in counted.items() if count > 1)


def _not_loaded(case: Case) -> Reason:
    task, operation = case.uses[0] if case.uses else (None, "")
    if task is None and case.item_sensitive_task:
        task = case.calls_of(case.item_sensitive_task)[0].task
        operation = "no operator: isinstance, is, a key, a library such as json or pandas"
    gave = f"what {task.name} gave" if task else "what a task gave"
    by = f" (by {operation})" if operation else ""
    return Reason(
        "not-loaded",
        f"the body of {case.program.name} uses {gave} as if it were data{by}, without loading it."
        " In function and prefect a task gives its data, in the other modes an Item.",
        "call load(…) on it first; data passes through load unchanged.",
    )
