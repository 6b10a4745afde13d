"""The job of a child process, as its parent hands it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


class Job(Protocol):
    """A call of a task that is pickled as a whole and run elsewhere.

    Attributes:
        task_name: The task's name, for messages.
        target: The target that is filled, if there is one.
    """

    task_name: str
    target: str | None

    def surroundings(self, take_logs: Callable[[], None]) -> AbstractContextManager[None]:
        """Return a context manager within which all holds that held in the parent.

        Args:
            take_logs: To be called whenever something has set up logging in the child.
        """
        ...

    def run(self) -> Any:
        """Run it, within its surroundings; return what the parent is given."""
        ...


@dataclass(frozen=True)
class Order:
    """All that a child is told: the job, and the levels of the parent's loggers."""

    job: Job
    levels: dict[str, int]
