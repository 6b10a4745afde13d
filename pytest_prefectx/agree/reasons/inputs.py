"""Reasons in the inputs and the side effects of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_prefectx.agree.effects import TAKES_TIME
from pytest_prefectx.agree.formatting import short_text, task_name, task_text
from pytest_prefectx.agree.hidden import OF_CHANCE, changed_inputs, file_key, sources_of_chance
from pytest_prefectx.agree.reasons.case import Case, Reason, first_at, join_names
from pytest_prefectx.modes import WITHOUT_TARGETS

if TYPE_CHECKING:
    from pytest_prefectx.agree.trace import TaskCall


_RETURN_IT: Final = (
    "return it, and let the flow or another task go on from there; or give the task target=None, so"
    " that it always runs."
)


def chance(case: Case) -> Reason | None:
    """Find a task whose result differs in a second run."""
    if not case.differs(case.second):
        return None
    for one, other in zip(case.first.calls, case.second.calls, strict=False):
        if not one.is_same_call(other):
            break
        if (found := one.result_difference(other)) is None:
            continue
        hidden = _differing(one, other)
        text = (
            f"{task_text(one)} gives another result when it is run again with the same arguments"
            f" ({first_at(found)})"
        )
        # A task that draws random numbers often changes a hidden input too.
        known = hidden and not sources_of_chance(one.task.fn)
        return _hidden(one, hidden, text) if known else _chance(one, text)
    if any(call.changes for call in case.first.calls):
        return None
    for call in case.first.calls:
        if hidden := [name for name in _changed(call) if name not in OF_CHANCE]:
            return Reason(
                "side-effect",
                f"{task_text(call)} changes {join_names(hidden)}, which outlasts the run:"
                f" {case.program.name} gives another result when it is called again, in mode"
                " function too.",
                _RETURN_IT,
            )
    return Reason(
        "not-deterministic",
        f"{case.program.name} gives another result when it is called again, in mode function too,"
        " although its tasks give the same.",
        "let the result of the flow depend on its arguments alone, or give the task that it"
        " depends on an argument for it.",
    )


def hidden_input(case: Case) -> Reason | None:
    """Find two calls in one run with the same arguments and different results."""
    for one, other in case.first.pairs():
        if not one.is_same_call(other) or (found := one.result_difference(other)) is None:
            continue
        text = f"two calls of {task_text(one)} with the same arguments give different results"
        text += f" ({first_at(found)})"
        # The two runs were equal, so random numbers come from a fixed seed.
        if hidden := changed_inputs(one.hidden, other.hidden):
            return _hidden(one, hidden, text)
        return _chance(one, text)
    return None


def shared_target(case: Case) -> Reason | None:
    """Find two calls with different arguments and the same target."""
    for one, other in case.first.pairs():
        if one.item is None or other.item is None or one.item.path != other.item.path:
            continue
        if one.is_same_call(other) or one.result_difference(other) is None:
            continue
        return Reason(
            "shared-target",
            f"two different calls share the target {one.item.target!r}: {call_text(one)} and"
            f" {call_text(other)}. What the first has left there is taken for the output of the"
            " second.",
            "name in the target what tells the calls apart, as {base} does by itself.",
        )
    return None


def side_effect(case: Case) -> Reason | None:
    """Find a task with side effects that others can see."""
    why = (
        "tasks that were submitted do that at the same time, in any order, and a task that"
        " is tried again does it again"
        if case.mode in WITHOUT_TARGETS
        else "a hit does not run the task, so that this is not done then"
    )
    calls = (
        case.calls_of(case.skip_sensitive_task) if case.skip_sensitive_task else case.first.calls
    )
    for call in calls:
        if hidden := _changed(call):
            text = f"{task_text(call)} changes {join_names(hidden)}; {why}."
            return Reason("side-effect", text, _RETURN_IT)
    for call in calls:
        effects = [
            effect
            for effect in call.effects
            if case.skip_sensitive_task or not effect.startswith(TAKES_TIME)
        ]
        if effects:
            does = f"{task_text(call)} {join_names(effects)}"
            seen = ", and the result depends on that" if case.skip_sensitive_task else ""
            return Reason("side-effect", f"{does}{seen}; {why}.", _RETURN_IT)
    if case.skip_sensitive_task:
        text = (
            f"{task_text(calls[0])} does something besides giving its result, and the result of"
            f" {case.program.name} depends on that; {why}."
        )
        return Reason("side-effect", text, _RETURN_IT)
    return _left_in_process(case)


def _changed(call: TaskCall) -> list[str]:
    """Return the hidden inputs that a call has changed, other than its own target."""
    own = file_key(call.item.target) if call.item is not None else ""
    return [name for name in changed_inputs(call.hidden, call.hidden_after) if name != own]


def _left_in_process(case: Case) -> Reason | None:
    """Find tasks that were hits in a fresh process, while others ran."""
    if not case.lost:
        return None
    kept = [call for call in case.first.calls if call.item is not None]
    hits = [call for call in kept if call.task.qualified_name not in case.lost]
    ran = [call for call in kept if call.task.qualified_name in case.lost]
    if not hits or not ran:
        return None
    makers = join_names(list(dict.fromkeys(call.task.name for call in hits)))
    return Reason(
        "side-effect",
        f"{task_text(ran[0])} gives something else in a process in which {makers} did not run, as"
        " its output was stored: it leaves something in the process, on which the other relies.",
        "return it, and give it to the task that needs it; or give the task target=None, so that"
        " it always runs.",
    )


def _differing(one: TaskCall, other: TaskCall) -> list[str]:
    """Return the hidden inputs that differ between the two calls, without random states."""
    return [name for name in changed_inputs(one.hidden, other.hidden) if name not in OF_CHANCE]


def _chance(call: TaskCall, text: str) -> Reason:
    sources = sources_of_chance(call.task.fn)
    uses = f". It uses {join_names(sources)}" if sources else ""
    return Reason(
        "not-deterministic",
        f"{text}{uses}.",
        "give the task what it needs as an argument: a seed, a time, an identity.",
    )


def _hidden(call: TaskCall, hidden: list[str], text: str) -> Reason:
    return Reason(
        "hidden-input",
        f"{text}. Between the two calls, {join_names(hidden)} changed, which"
        f" {call.task.name} can see and its target cannot.",
        "give it to the task as an argument, so that the target can name it.",
    )


def call_text(call: TaskCall) -> str:
    """Return the call as Python would write it."""
    given = ", ".join(
        f"{name}={short_text(value)}" for name, value in call.arguments_before.items()
    )
    return f"{task_name(call)}({given})"
