"""`Record`: what is known of a target."""

from __future__ import annotations

from typing import NamedTuple


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

    def is_sound(self) -> bool:
        """Tell whether each part is of the type that it should be: a file may say anything."""
        texts = (self.task, self.call, self.made, self.python, self.code)
        return (
            all(isinstance(text, str) for text in texts)
            and type(self.seconds) in {int, float}
            and isinstance(self.inputs, str | None)
            and isinstance(self.complete, bool)
        )
