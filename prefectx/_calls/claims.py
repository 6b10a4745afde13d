"""Claims: the call that fills each target, so that a second one in the same run is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prefectx._identity.call_identity import CallIdentity


class Claim(NamedTuple):
    """The claim of a call that has no exact text.

    Attributes:
        task: The task's number in the run, as text.
        arguments: A value that is equal for equal arguments only.
        call: The call as short text.
    """

    task: str
    arguments: object
    call: str


def claim_of(task: str, identity: CallIdentity) -> str | Claim:
    """Return the claim of a call: a text where possible, for a run may hold very many.

    Args:
        task: The task's number in the run, as text.
        identity: The identity of the call.
    """
    if identity.exact is not None:
        return task + identity.exact
    return Claim(task, identity.claim(), identity.short)


def is_same_call(one: str | Claim, other: str | Claim) -> bool:
    """Tell whether two claims are of the same call."""
    if isinstance(one, Claim) and isinstance(other, Claim):
        return one[:2] == other[:2]
    return one == other


def task_of(claim: str | Claim) -> str:
    """Return the task's number in the run from a claim."""
    if isinstance(claim, Claim):
        return claim.task
    number, colon, _ = claim.partition(":")
    return number + colon


def collision(target: str, other: str, call: str, difference: str = "") -> str:
    """Return the message for two calls that share a target.

    Args:
        target: The target.
        other: The call that came first, as text.
        call: The other one.
        difference: What differs between them, if their texts do not show it.
    """
    return (
        f"two different calls share the target {target!r}: {other} and {call}{difference}."
        " Put every argument that differs between them into the target, or {base}, which does so"
        " unless a context sets it."
    )
