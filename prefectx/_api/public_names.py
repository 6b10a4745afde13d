"""The names of a task or a flow that are for its users, which completion offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def public_names(decorated: Any, names: Iterable[str]) -> list[str]:
    """Return what `dir` gives: public names, those that the function itself has, and Python's own.

    Args:
        decorated: A task or a flow.
        names: The public names of its class, also those that only Prefect's modes have.
    """
    every: Iterable[str] = object.__dir__(decorated)
    python = {name for name in every if name.startswith("__")}
    own = {name for name in decorated.fn.__dict__ if not name.startswith("_")}
    return sorted({*names, *python, *own})
