"""`Record`: what is known of a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class Record(NamedTuple):
    """The record that lies beside a target. No record is needed for a target to count.

    Attributes:
        task: The name of the task that made the target.
        call: The call, shortened.
        made: When it was made: ISO 8601, UTC.
        seconds: How long the task's function ran.
        python: The version of Python that ran it.
        code: A hash of the function's byte code, to compare within one version of Python.
        inputs: A hash of all inputs' contents, if the task asks for it with `rerun_on`.
        complete: Whether it describes what is at the target. False while a task with `rerun_on`
            remakes it, and for good if that was interrupted: such a target is stale.
    """

    task: str
    call: str
    made: str
    seconds: float
    python: str
    code: str
    inputs: str | None = None
    complete: bool = True


# What a file says may be anything. A bool would pass as a number.
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(("task", "call", "made", "python", "code"), (str,)),
    "seconds": (int, float),
    "inputs": (str, type(None)),
    "complete": (bool,),
}


def are_sound(fields: Mapping[str, Any]) -> bool:
    """Tell whether each part of a record is of a type that it can have."""
    return all(type(fields[name]) in kinds for name, kinds in _TYPES.items() if name in fields)
