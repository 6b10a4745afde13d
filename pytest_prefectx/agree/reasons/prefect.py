"""Reasons in what Prefect does for tasks and flows: attempts, conversion, threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_prefectx.agree.formatting import short_text, task_text
from pytest_prefectx.agree.prefect_tracers import retries_of
from pytest_prefectx.agree.reasons.case import Case, Reason, error_text
from pytest_prefectx.modes import is_prefect

if TYPE_CHECKING:
    from pytest_prefectx.agree.trace import TaskCall


def retried(case: Case) -> Reason | None:
    """Find a task or flow that fails, or takes long, and is tried again or stopped."""
    subject: Any = case.program.subject
    tasks = [call for call in case.first.calls if _has_attempts(call)]
    by_flow = is_prefect(case.mode) and retries_of(subject)
    if not (tasks or by_flow) or not case.differs(case.attempted_run):
        return None
    if tasks:
        call = next((call for call in tasks if call.error is not None), tasks[0])
        who = task_text(call)
        options = [name for name in _ATTEMPTS if call.task.options.get(name)]
    else:
        who, options = f"the flow {case.program.name}", ["retries"]
    outcome = next((each for each in case.expected if each.error is not None), None)
    does = f"raises {type(outcome.error).__name__}" if outcome is not None else "takes long"
    return Reason(
        "retries",
        f"{who} has {' and '.join(options)}, and {does} at its first attempt. In mode function a"
        " function runs once, to its end; the other modes do as the options say"
        f"{'' if tasks else ', of flows those with Prefect'}.",
        "that is meant: leave mode function out of modes=, or test with inputs for which the first"
        " attempt succeeds.",
    )


_ATTEMPTS = ("retries", "timeout_seconds")


def converted(case: Case) -> Reason | None:
    """Find an argument of a flow that Prefect converts by its annotation, or refuses."""
    if not is_prefect(case.mode) or not case.converted or not case.differs(case.converted_run):
        return None
    found = case.converted[0]
    advice = (
        "call the flow with what its annotations say, change the annotation, or give the flow"
        " validate_parameters=False."
    )
    if found.error is not None:
        why = error_text(found.error)
        text = f"Prefect refuses the arguments of the flow {found.flow}: {why}"
        return Reason("converted-argument", f"{text}. Without Prefect it runs.", advice)
    values = ""
    if found.difference is not None:
        values = f": {short_text(found.difference.left)} becomes"
        values += f" {short_text(found.difference.right)}"
    return Reason(
        "converted-argument",
        f"Prefect converts the argument {found.parameter!r} of the flow {found.flow} by its"
        f" annotation{values}. Without Prefect the flow gets what it is called with.",
        advice,
    )


def thread_local(case: Case) -> Reason | None:
    """Find tasks that use what only one thread has."""
    if not is_prefect(case.mode):
        return None
    why = (
        " In the Prefect modes submitted tasks run in other threads, which do not see what was set"
        " in this one"
    )
    # From the last, because an earlier one may set it.
    for call in reversed(case.first.calls):
        for name, value in call.hidden_after.items():
            if value and name.startswith("the thread-local"):
                return Reason(
                    "thread-local",
                    f"{task_text(call)} depends on {name}.{why}.",
                    "give what it holds to the task as an argument.",
                )
    if not case.differs(case.threaded_run):
        return None
    for one, other in zip(case.first.calls, case.threaded_run.calls, strict=False):
        if one.is_of(other) and (found := one.result_difference(other)) is not None:
            if other.error is not None:
                does = f"raises {type(other.error).__name__} ({error_text(other.error)})"
            else:
                does = f"gives {short_text(found.right)} for {short_text(found.left)}"
            return Reason(
                "thread-local",
                f"{task_text(one)} {does} in another thread than the flow's.{why}, and may not use"
                " what belongs to it.",
                "let the task make what it uses itself (a connection, an event loop); what only"
                " the main thread may do, do in the flow.",
            )
    return Reason(
        "thread-local",
        f"{case.program.name} gives something else if its submitted tasks run in other"
        f" threads.{why}, nor does it see what is set there.",
        "return what a task sets, instead of setting it for its thread.",
    )


def _has_attempts(call: TaskCall) -> bool:
    return any(call.task.options.get(name) for name in _ATTEMPTS)
