"""Claims: which call fills a target, to find out if another one of the same run does."""

from __future__ import annotations

from prefectx._identity.call_identity import CallIdentity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Claim:
    """One call's claim to its target: enough to tell it apart from another, and never much.

    Args:
        call: The call as short text.
        task: What tells the task apart from all others.
        arguments: The call's arguments.
    """

    __slots__ = ("_key", "_task", "call")

    def __init__(self, call: str, task: str, arguments: Mapping[str, Any]) -> None:
        self.call = call
        self._task = task
        self._key = CallIdentity(task, arguments).claim()

    def is_same_call(self, other: Claim) -> bool:
        """Tell whether the other claim is of the same call."""
        return self._task == other._task and self._key == other._key


def is_same_call(one: str | Claim, other: str | Claim) -> bool:
    """Tell whether two claims are of the same call, as far as can be seen."""
    if isinstance(one, Claim) and isinstance(other, Claim):
        return one.is_same_call(other)
    return one == other


def collision(target: str, other: str, call: str) -> str:
    """Return what is said of two calls that share a target."""
    return (
        f"two different calls share the target {target!r}: {other} and {call}."
        " Name in the target what tells them apart, as {base} does if no context sets it."
    )
