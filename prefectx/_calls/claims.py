"""Claims: which call fills a target, to find out if another one of the same run does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefectx._identity.content_hash import digest
from prefectx._identity.exact_text import told
from prefectx._identity.summary import summary

if TYPE_CHECKING:
    from collections.abc import Mapping


class CallIdentity:
    """What a call is: an exact text of small literals, a digest of all else, a text for people.

    Args:
        task: The task's name.
        arguments: The call's arguments by name, defaults applied.
    """

    __slots__ = ("_digest", "_short", "arguments", "exact", "task")

    def __init__(self, task: str, arguments: Mapping[str, Any]) -> None:
        self.task = task
        self.arguments = arguments
        self.exact = told(arguments)
        self._digest: bytes | None = None
        self._short: str | None = None

    @property
    def short(self) -> str:
        """The call as short text."""
        if self._short is None:
            self._short = summary(self.task, self.arguments)
        return self._short

    def digest(self) -> bytes:
        """Return what differs where any argument differs."""
        if self._digest is None:
            self._digest = digest(dict(self.arguments))
        return self._digest

    def claim(self) -> Any:
        """Return what is kept of the call while its run lasts."""
        return self.digest()


class Claim(NamedTuple):
    """The claim of a call that no exact text tells.

    Attributes:
        mark: Stands for the task.
        key: Tells the arguments apart from all others.
        call: The call as short text.
    """

    mark: str
    key: Any
    call: str


def claim_of(mark: str, identity: CallIdentity) -> str | Claim:
    """Return the claim of a call: mostly a text, for there may be as many as there are targets."""
    if identity.exact is not None:
        return mark + identity.exact
    return Claim(mark, identity.claim(), identity.short)


def is_same_call(one: str | Claim, other: str | Claim) -> bool:
    """Tell whether two claims are of the same call."""
    if isinstance(one, Claim) and isinstance(other, Claim):
        return one.mark == other.mark and bool(one.key == other.key)
    return one == other


def mark_of(claim: str | Claim) -> str:
    """Return what stands for the task in a claim."""
    if isinstance(claim, Claim):
        return claim.mark
    mark, colon, _ = claim.partition(":")
    return mark + colon


def collision(target: str, other: str, call: str) -> str:
    """Return the message for two calls that share a target."""
    return (
        f"two different calls share the target {target!r}: {other} and {call}."
        " Name in the target what tells them apart, as {base} does if no context sets it."
    )
