"""`rerun_on`: the reasons for which existing targets are recomputed, of flows and environment."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from prefectx._settings.environment import Variable
from prefectx._settings.project import current_project
from prefectx._settings.rerun_reasons import reasons_in
from prefectx._settings.scoped import ScopedValue

VARIABLE: Final = Variable("PREFECTX_RERUN_ON")
_of_flow: ContextVar[frozenset[str]] = ContextVar("prefectx_rerun_on", default=frozenset())


def rerun_on_here() -> frozenset[str]:
    """Return the reasons of the current flow and of the environment.

    Raises:
        UnknownOption: `$PREFECTX_RERUN_ON` has an unknown reason.
    """
    text, source = VARIABLE.get(), "$PREFECTX_RERUN_ON"
    if text is None:
        project = current_project()
        text, source = project.values.get("rerun_on"), str(project.file)
    if not text:
        return _of_flow.get()
    return _of_flow.get() | reasons_in(text, source)


def may_rerun_here() -> bool:
    """Tell, without reading them, whether the current flow or the environment has reasons."""
    return bool(_of_flow.get()) or VARIABLE.raw() is not None


def rerun_on(reasons: frozenset[str]) -> ScopedValue:
    """Add reasons for the body of a `with` statement."""
    return ScopedValue(_of_flow, _of_flow.get() | reasons)
