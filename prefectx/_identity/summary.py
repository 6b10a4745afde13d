"""A short text of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._identity.short_text import short_text as brief

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["brief", "summary"]


def summary(name: str, arguments: Mapping[str, Any]) -> str:
    """Return the call as text of bounded length: equal for equal arguments, whatever their size.

    Large data is not read whole, so different data may have the same summary.
    """
    inside = ", ".join(f"{key}={brief(value)}" for key, value in arguments.items())
    return f"{name}({inside})"
