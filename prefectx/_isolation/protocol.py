"""The messages of a child: what it logs and prints, then the outcome of its job."""

from __future__ import annotations

import logging
import pickle
import sys
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Logged:
    """A log record, for the parent's handlers."""

    record: logging.LogRecord

    def say(self) -> None:
        """Log it here."""
        logger = logging.getLogger(self.record.name)
        if logger.isEnabledFor(self.record.levelno):
            logger.handle(self.record)


@dataclass(frozen=True)
class Printed:
    """Text for the parent's standard output or standard error."""

    text: str
    stream: Literal["stdout", "stderr"]

    def say(self) -> None:
        """Print it here: with `print`, of which Prefect makes logs where `log_prints` is set."""
        print(self.text, end="", file=getattr(sys, self.stream))


@dataclass(frozen=True)
class Returned:
    """The pickled result of the job."""

    content: bytes

    def get(self) -> Any:
        """Return it."""
        return pickle.loads(self.content)


@dataclass(frozen=True)
class Raised:
    """The pickled exception of the job, and the traceback that only the child has."""

    content: bytes
    traceback: str

    def get(self) -> Any:
        """Raise it."""
        error: BaseException = pickle.loads(self.content)
        error.add_note(f"In the process of its own that isolate=True gave it:\n{self.traceback}")
        raise error


Said = Logged | Printed
Outcome = Returned | Raised
