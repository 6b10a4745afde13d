"""Claims: which call fills a target, to find out if another one of the same run does."""

from __future__ import annotations

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

    __slots__ = ("_parts", "_task", "call")

    def __init__(self, call: str, task: str, arguments: Mapping[str, Any]) -> None:
        self.call = call
        self._task = task
        self._parts = tuple(map(_part, arguments.values()))

    def is_same_call(self, other: Claim) -> bool:
        """Tell whether the other claim is, as far as can be seen, of the same call."""
        return self._task == other._task and all(
            content == other_content or (identity is not None and identity == other_identity)
            for (identity, content), (other_identity, other_content) in zip(
                self._parts, other._parts, strict=True
            )
        )


def _part(value: Any) -> tuple[int | None, bytes | str]:
    from prefectx._identity.content_hash import cheap_digest
    from prefectx._identity.summary import brief

    known = cheap_digest(value)
    # An object may fill attributes as it is used, and is the same all the same.
    identity = None if type(value).__module__ == "builtins" else id(value)
    return identity, brief(value) if known is None else known


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
