"""`Record`: what is known of a target."""

from __future__ import annotations

from typing import Any, NamedTuple


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
        by: The user whose process made it.
        host: The machine that made it.
        bytes: How large the output was.
        args: The call's arguments by name: small ones as Python literals, Items by their targets,
            large ones as a short text; None if there were too many of them for a record.
        upstream: The targets of the Items among the arguments.
        file: The script whose task it is, if it is a task of no module.
        shape: Rows, columns and types of a table; shape and type of an array.
    """

    task: str
    call: str
    made: str
    seconds: float
    python: str
    code: str
    inputs: str | None = None
    complete: bool = True
    by: str | None = None
    host: str | None = None
    bytes: int | None = None
    args: dict[str, Any] | None = None
    upstream: list[str] | None = None
    shape: dict[str, Any] | None = None
    file: str | None = None

    def is_sound(self) -> bool:
        """Tell whether each part is of the type that it should be: a file may say anything."""
        texts = (self.task, self.call, self.made, self.python, self.code)
        maybe_texts = (self.inputs, self.by, self.host, self.file)
        return (
            all(isinstance(text, str) for text in texts)
            and all(isinstance(text, str | None) for text in maybe_texts)
            and type(self.seconds) in {int, float}
            and type(self.bytes) in {int, type(None)}
            and isinstance(self.args, dict | None)
            and isinstance(self.upstream, list | None)
            and isinstance(self.shape, dict | None)
            and isinstance(self.complete, bool)
        )
