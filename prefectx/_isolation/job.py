"""The job of a child process, as its parent sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


class Job(Protocol):
    """A call of a task that is pickled and run in another process.

    Attributes:
        task_name: The task's name, for messages.
        target: The target of the call, if there is one.
    """

    task_name: str
    target: str | None

    def parent_context(self, take_logs: Callable[[], None]) -> AbstractContextManager[None]:
        """Return a context manager that restores the parent's mode, context and run.

        Args:
            take_logs: A function to call after anything has set up logging in the child.
        """
        ...

    def run(self) -> Any:
        """Run the call, within `parent_context`; return the value for the parent."""
        ...


@dataclass(frozen=True)
class Order:
    """The message to a child: the job, and the levels of the parent's loggers."""

    job: Job
    levels: dict[str, int]
