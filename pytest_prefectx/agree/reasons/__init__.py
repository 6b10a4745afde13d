"""Why modes disagree: what is looked for, in which order."""

from __future__ import annotations

from typing import Final

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
    thread_local,
)
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

__all__ = ["Case", "Kind", "Reason", "explain"]

# What the exception says by itself; then what a repetition shows; then what a run under other
# conditions shows; last what merely was seen, which need not be the cause.
LOOKED_FOR: Final = (
    refused,
    handle_refused,
    chance,
    mode_asked,
    hidden_input,
    handle_used,
    shared_target,
    argument_changed,
    set_order,
    not_kept,
    file_overwritten,
    order,
    result_changed,
    identity,
    thread_local,
    side_effect,
    exception_changed,
)


def explain(case: Case) -> Reason | None:
    """Return why two modes disagree, if that can be told."""
    return next((reason for look_for in LOOKED_FOR if (reason := look_for(case))), None)
