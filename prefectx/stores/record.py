"""`Record`: what is known of a target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        complete: Whether it describes what is at the target. False while a task that has
            `rerun_on`, or writes its target itself, makes it, and for good if that was
            interrupted: such a target does not count.
        upstream: A hash of what lies at the targets of Items, if `rerun_on` asks for it.
        files: The files that the arguments name, by their paths: size, time, hash of the content.
        output: The same of the target, if the task's function wrote it itself.
    """

    task: str
    call: str
    made: str
    seconds: float
    python: str
    code: str
    inputs: str | None = None
    complete: bool = True
    upstream: str | None = None
    files: Mapping[str, tuple[int, int, str]] | None = None
    output: tuple[int, int, str] | None = None

    @property
    def version(self) -> str:
        """What differs where a target was made by another call or by other code."""
        return f"{self.call} {self.inputs} {self.upstream} {self.code} {self.complete}"


def version_of(text: str | None) -> str | None:
    """Return the version that the text of a record says, or None if it is no record."""
    record = None if text is None else parsed(text)
    return None if record is None else record.version


def parsed(text: str) -> Record | None:
    """Return the record that a text holds, or None if it holds none."""
    try:
        return Record(**json.loads(text))
    except (ValueError, TypeError):
        # A record is a note, never a condition: one that another version wrote is no record.
        return None
