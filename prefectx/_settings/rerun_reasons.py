"""The reasons that `rerun_on` can have."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from prefectx.errors import UnknownOption

if TYPE_CHECKING:
    from collections.abc import Iterable

RerunOn = Literal["inputs", "code", "upstream", "expired"]
REASONS: Final = ("code", "expired", "inputs", "upstream")


def reasons_in(text: str, source: str) -> frozenset[str]:
    """Return the reasons in a text, `"inputs,code"`.

    Args:
        text: Their names, with commas between them.
        source: The variable or file that has it, for the message.

    Raises:
        UnknownOption: A reason is not one of `REASONS`.
    """
    return validate_rerun_on(filter(None, map(str.strip, text.split(","))), source)


def validate_rerun_on(reasons: Iterable[str], owner: str) -> frozenset[str]:
    """Return the reasons for which targets are recomputed, if they are valid.

    Args:
        reasons: The reasons, or one of them.
        owner: The task, flow or variable that sets them, for the message.

    Raises:
        UnknownOption: A reason is not one of `REASONS`.
    """
    chosen = frozenset([reasons] if isinstance(reasons, str) else reasons)
    if unknown := chosen.difference(REASONS):
        known = ", ".join(map(repr, REASONS))
        msg = f"{owner}: rerun_on has {sorted(unknown)}. Its values can be {known}."
        raise UnknownOption(msg)
    return chosen


def validate_expires(age: object, owner: str) -> timedelta | None:
    """Return the age at which an output expires, if it is one.

    Args:
        age: The age; None if outputs do not expire.
        owner: The task that sets it, for the message.

    Raises:
        UnknownOption: It is no `timedelta`.
    """
    if age is None or isinstance(age, timedelta):
        return age
    msg = f"{owner}: expires={age!r} is no timedelta, as in expires=datetime.timedelta(hours=12)."
    raise UnknownOption(msg)
