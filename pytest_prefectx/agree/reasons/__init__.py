"""Reasons why modes disagree, and the order in which they are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_prefectx.agree.reasons.case import Case, Kind, Reason
from pytest_prefectx.agree.reasons.flows import (
    handle_refused,
    handle_used,
    mode_asked,
    order,
)
from pytest_prefectx.agree.reasons.inputs import (
    chance,
    hidden_input,
    shared_target,
    side_effect,
)
from pytest_prefectx.agree.reasons.prefect import converted, retried, thread_local
from pytest_prefectx.agree.reasons.refused import refused
from pytest_prefectx.agree.reasons.sharing import (
    argument_changed,
    identity,
    result_changed,
    set_order,
)
from pytest_prefectx.agree.reasons.storing import (
    exception_changed,
    file_overwritten,
    not_kept,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["CHECKS", "KINDS", "Case", "Kind", "Reason", "explain", "page", "reasons", "table"]


class Check(NamedTuple):
    """One check for a reason.

    Attributes:
        name: Its name.
        look_for: Returns the reason if it applies.
    """

    name: str
    look_for: Callable[[Case], Reason | None]


# First reasons that an exception shows; then those that a repetition shows; then those that a run
# under other conditions shows; last mere observations, which need not be the cause.
CHECKS: Final = (
    Check("refused by prefectx", refused),
    Check("an Item refused by Python", handle_refused),
    Check("another attempt", retried),
    Check("an argument that Prefect converts", converted),
    Check("another result of the same call", chance),
    Check("the mode is asked", mode_asked),
    Check("an input that is no argument", hidden_input),
    Check("an Item used as data", handle_used),
    Check("a target that two calls share", shared_target),
    Check("an argument that is changed", argument_changed),
    Check("the order of a set", set_order),
    Check("an output that cannot be stored", not_kept),
    Check("a file that two calls write", file_overwritten),
    Check("the order of coroutines", order),
    Check("a result that is changed", result_changed),
    Check("which object it is", identity),
    Check("what one thread has", thread_local),
    Check("what a task does besides", side_effect),
    Check("an exception that cannot travel", exception_changed),
)

KINDS: Final[Mapping[Kind, str]] = {
    "not-deterministic": "a task gives something else each time",
    "hidden-input": "a task depends on what is no argument",
    "side-effect": "a task changes what others see",
    "order": "async tasks depend on which runs first",
    "retries": "a task fails, and some modes try it again",
    "converted-argument": "Prefect converts an argument of a flow",
    "thread-local": "a task needs what only one thread has",
    "changes-argument": "a task changes what it was given",
    "changes-result": "a result is changed after it was given",
    "set-order": "a task depends on the order of a set",
    "shared-target": "two different calls have one target",
    "template": "no target can be named for a call",
    "target-missing": "a function does not write its target",
    "overwritten-file": "two calls write one file",
    "format": "a format does not give back what it was given",
    "unstorable": "an output cannot be stored at all",
    "exception": "an exception cannot leave its process",
    "not-loaded": "the flow uses an Item as data",
    "identity": "the flow asks which object it is",
    "mode-asked": "the flow asks for its mode",
}
"""Each kind of reason, in one line."""


def explain(case: Case) -> Reason | None:
    """Return the likeliest reason why two modes disagree; None if none is found."""
    return next(reasons(case), None)


def reasons(case: Case) -> Iterator[Reason]:
    """Return all reasons that apply, the likeliest first."""
    return (reason for check in CHECKS if (reason := check.look_for(case)))


def page(kind: str) -> str:
    """Return the path of the documentation of a kind of reason."""
    return f"docs/reference/reasons/{kind}.md"


def table() -> str:
    """Return all kinds of reasons as text, each with its page."""
    width = max(map(len, KINDS))
    return "\n".join(f"{kind:{width}}  {line}  ({page(kind)})" for kind, line in KINDS.items())
