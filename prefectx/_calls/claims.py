"""Claims: which call fills a target, to find out if another one of the same run does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prefectx._identity.call_identity import CallIdentity


class Claim(NamedTuple):
    """The claim of a call that no exact text tells.

    Attributes:
        mark: Stands for the task.
        arguments: Tells the arguments apart from all others.
        call: The call as short text.
    """

    mark: str
    arguments: object
    call: str


def claim_of(mark: str, identity: CallIdentity) -> str | Claim:
    """Return the claim of a call: mostly a text, for there may be as many as there are targets."""
    if identity.exact is not None:
        return mark + identity.exact
    return Claim(mark, identity.claim(), identity.short)


def is_same_call(one: str | Claim, other: str | Claim) -> bool:
    """Tell whether two claims are of the same call."""
    if isinstance(one, Claim) and isinstance(other, Claim):
        return one[:2] == other[:2]
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
