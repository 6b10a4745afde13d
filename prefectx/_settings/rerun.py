"""`rerun_on`: the reasons for which existing targets are recomputed, of flows and environment."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Literal

from prefectx._settings.environment import Variable
from prefectx._settings.project import current_project
from prefectx._settings.scoped import ScopedValue
from prefectx.errors import UnknownOption

if TYPE_CHECKING:
    from collections.abc import Iterable

RerunOn = Literal["inputs", "code", "upstream", "expired"]
REASONS: Final = ("code", "expired", "inputs", "upstream")

VARIABLE: Final = Variable("PREFECTX_RERUN_ON")
_of_flow: ContextVar[frozenset[str]] = ContextVar("prefectx_rerun_on", default=frozenset())


def validate_rerun_on(reasons: Iterable[str], owner: str) -> frozenset[str]:
    """Return the reasons for which targets are recomputed, if they are valid.

    Args:
        reasons: The reasons, or one of them.
        owner: The task, flow or variable that sets them, for the message.

    Raises:
        UnknownOption: A reason is not one of `REASONS`.
    """
    chosen = frozenset([reasons] if isinstance(reasons, str) else reasons)
    if unknown := chosen.difference(REASONS):
        known = ", ".join(map(repr, REASONS))
        msg = f"{owner}: rerun_on has {sorted(unknown)}. Its values can be {known}."
        raise UnknownOption(msg)
    return chosen


def rerun_on_here() -> frozenset[str]:
    """Return the reasons of the current flow and of the environment.

    Raises:
        UnknownOption: `$PREFECTX_RERUN_ON` has an unknown reason.
    """
    text = VARIABLE.get()
    if text is None:
        text = current_project().values.get("rerun_on")
    if not text:
        return _of_flow.get()
    names = filter(None, (name.strip() for name in text.split(",")))
    return _of_flow.get() | validate_rerun_on(names, "$PREFECTX_RERUN_ON")


def may_rerun_here() -> bool:
    """Tell, without reading them, whether the current flow or the environment has reasons."""
    return bool(_of_flow.get()) or VARIABLE.raw() is not None


def rerun_on(reasons: frozenset[str]) -> ScopedValue:
    """Add reasons for the body of a `with` statement."""
    return ScopedValue(_of_flow, _of_flow.get() | reasons)
