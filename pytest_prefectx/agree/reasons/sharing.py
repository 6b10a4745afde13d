"""Reasons in objects that are shared."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from prefectx._types import is_dict
from prefectx._values.containers import is_container
from pytest_prefectx.agree.formatting import short_text, task_text
from pytest_prefectx.agree.reasons.case import Case, Reason, first_at, join_names
from pytest_prefectx.equality import difference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_prefectx.agree.trace import TaskCall


def argument_changed(case: Case) -> Reason | None:
    """Find a task that changes its argument, if that makes a difference."""
    changing = [call for call in case.first.calls if call.changes]
    kept = [call for call in changing if any(_is_default(call, name) for name in call.changes)]
    seen = changing and (
        case.differs(case.isolated_run)
        or case.differs(case.second)
        or case.skip_sensitive_task in {call.task.qualified_name for call in changing}
    )
    if not kept and not seen:
        return None
    call = (
        kept
        or [c for c in changing if c.task.qualified_name == case.skip_sensitive_task]
        or changing
    )[0]
    name, found = next(iter(call.changes.items()))
    what = "its default for" if _is_default(call, name) else "its argument"
    return Reason(
        "changes-argument",
        f"{task_text(call)} changes {what} {name!r} in place, at {name}{found.path}"
        f" ({short_text(found.left)}, then {short_text(found.right)}). Whoever else holds that"
        " object sees the change if the task has run; a hit changes nothing, and a task that is"
        " given an Item loads a copy of its own.",
        f"change a copy and return it; copy.deepcopy({name}) is always right.",
    )


def set_order(case: Case) -> Reason | None:
    """Find a task whose result depends on the order of a set's elements."""
    if not case.differs(case.isolated_run):
        return None
    for one, other in zip(case.first.calls, case.isolated_run.calls, strict=False):
        if not one.is_same_call(other):
            return None
        if one.result_difference(other) is None:
            continue
        name = next((name for name, value in one.arguments_before.items() if _has_set(value)), None)
        if name is None:
            return None
        makers = [c.task.name for c in case.first.calls if c.returned is one.arguments[name]]
        made = f", which {makers[0]} has made" if makers else ""
        return Reason(
            "set-order",
            f"the result of {task_text(one)} depends on the order of the elements of the set in"
            f" {name!r}{made}. A set that was stored and loaded, or copied, may give them in"
            " another order.",
            f"sort it first: sorted({name}).",
        )
    return None


def result_changed(case: Case) -> Reason | None:
    """Find a result that was changed after its task had returned it."""
    for call in case.first.calls:
        if (found := difference(call.result, call.returned)) is None:
            continue
        others = [
            "another call of it" if other.is_of(call) else other.task.name
            for other in case.first.calls
            if other is not call and difference(other.result, other.returned)
        ]
        shared = f" (and so is that of {join_names(others)})" if others else ""
        return Reason(
            "changes-result",
            f"the result of {task_text(call)} is changed after the task has given it{shared}"
            f" ({first_at(found)}). In function and prefect all who hold the object see that;"
            " otherwise each load gives what the task has given.",
            "change a copy: of the result where it is used, or of what the task returns.",
        )
    return None


def identity(case: Case) -> Reason | None:
    """Find a flow that depends on the identity of a result."""
    if case.copy_sensitive_task is None:
        return None
    calls = case.calls_of(case.copy_sensitive_task)
    if any(_has_set(call.result) for call in calls):
        return Reason(
            "set-order",
            f"the body of {case.program.name} depends on the order of the elements of the set that"
            f" {task_text(calls[0])} gives. A set that was stored and loaded may give them in"
            " another order.",
            "sort it first: sorted(…).",
        )
    for call in calls:
        if lost := beyond_data(call.returned):
            return Reason(
                "format",
                f"the output of {task_text(call)} loses {lost} when it is kept: no format keeps"
                f" that, and {case.program.name} looks at it.",
                "return it as data of its own, beside the rest.",
            )
    return Reason(
        "identity",
        f"{case.program.name} asks which object it is that {task_text(calls[0])} gives (by `is`,"
        " id(), as a key without __eq__, or by NaN in a list). In function all who hold it hold the"
        " same object; what is loaded is a copy.",
        "compare by value: ==, a name or a number as key, math.isnan(…).",
    )


def beyond_data(value: Any) -> str | None:
    """Return a property of a value that is not stored with its data, if it has one."""
    if isinstance(value, BaseException):
        return "its __cause__" if value.__cause__ or value.__context__ else None
    flags = getattr(value, "flags", None)
    if flags is not None and not getattr(flags, "writeable", True):
        return "its mark that it is read-only"
    if is_container(value):
        return next(filter(None, map(beyond_data, _parts(value))), None)
    return None


def _is_default(call: TaskCall, name: str) -> bool:
    parameter = inspect.signature(call.task.fn).parameters.get(name)
    return parameter is not None and parameter.default is call.arguments[name]


def _has_set(value: Any) -> bool:
    if isinstance(value, set | frozenset):
        return True
    return is_container(value) and any(map(_has_set, _parts(value)))


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if is_dict(value) else value
