"""What makes targets that exist be made anew, beside what each task says."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Literal

from prefectx._settings.environment import Variable
from prefectx._settings.project import project_in_force
from prefectx._settings.scoped import Setting
from prefectx.errors import UnknownOption

if TYPE_CHECKING:
    from collections.abc import Iterable

RerunOn = Literal["inputs", "code", "upstream", "expired"]
REASONS: Final = ("code", "expired", "inputs", "upstream")

VARIABLE: Final = Variable("PREFECTX_RERUN_ON")
_of_flow: ContextVar[frozenset[str]] = ContextVar("prefectx_rerun_on", default=frozenset())


def checked_rerun_on(reasons: Iterable[str], owner: str) -> frozenset[str]:
    """Return the reasons for which targets are made anew, if they are known ones.

    Args:
        reasons: The reasons, or one of them.
        owner: What gives them, for the message.

    Raises:
        UnknownOption: One of them is none.
    """
    chosen = frozenset([reasons] if isinstance(reasons, str) else reasons)
    if unknown := chosen.difference(REASONS):
        known = ", ".join(map(repr, REASONS))
        msg = f"{owner}: rerun_on knows {known}, not {sorted(unknown)}"
        raise UnknownOption(msg)
    return chosen


def rerun_on_here() -> frozenset[str]:
    """Return the reasons of the flow that is under way here and of the environment.

    Raises:
        UnknownOption: `$PREFECTX_RERUN_ON` has one that is none.
    """
    text = VARIABLE.get()
    if text is None:
        text = project_in_force().values.get("rerun_on")
    if not text:
        return _of_flow.get()
    names = filter(None, (name.strip() for name in text.split(",")))
    return _of_flow.get() | checked_rerun_on(names, "$PREFECTX_RERUN_ON")


def rerun_on(reasons: frozenset[str]) -> Setting:
    """Add reasons for the body of a `with` statement."""
    return Setting(_of_flow, _of_flow.get() | reasons)
