"""The public attributes of tasks and flows, for `dir` and completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def public_names(decorated: Any, names: Iterable[str]) -> list[str]:
    """Return the names for `dir`: public names, those of the function itself, and special names.

    Args:
        decorated: A task or a flow.
        names: The public names of its class, including those that exist in Prefect's modes only.
    """
    every: Iterable[str] = object.__dir__(decorated)
    python = {name for name in every if name.startswith("__")}
    own = {name for name in decorated.fn.__dict__ if not name.startswith("_")}
    return sorted({*names, *python, *own})
