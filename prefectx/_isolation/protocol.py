"""The messages of a child: its logs and prints, then the outcome of its job."""

from __future__ import annotations

import logging
import pickle
import sys
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class LogMessage:
    """A log record, for the parent's handlers."""

    record: logging.LogRecord

    def emit(self) -> None:
        """Log the record here."""
        logger = logging.getLogger(self.record.name)
        if logger.isEnabledFor(self.record.levelno):
            logger.handle(self.record)


@dataclass(frozen=True)
class PrintMessage:
    """Text for the parent's standard output or standard error."""

    text: str
    stream: Literal["stdout", "stderr"]

    def emit(self) -> None:
        """Print the text here, with `print`, because Prefect's `log_prints` replaces that."""
        print(self.text, end="", file=getattr(sys, self.stream))


@dataclass(frozen=True)
class ResultMessage:
    """The pickled result of the job."""

    content: bytes

    def get(self) -> Any:
        """Return the result."""
        return pickle.loads(self.content)


@dataclass(frozen=True)
class ErrorMessage:
    """The pickled exception of the job, and the traceback that only the child has."""

    content: bytes
    traceback: str

    def get(self) -> Any:
        """Raise the exception."""
        error: BaseException = pickle.loads(self.content)
        error.add_note(f"Traceback in the child process (isolate=True):\n{self.traceback}")
        raise error


OutputMessage = LogMessage | PrintMessage
Outcome = ResultMessage | ErrorMessage
