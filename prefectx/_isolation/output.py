"""The child's output: its logs and prints, which are sent to the parent."""

from __future__ import annotations

import io
import logging
import sys
import threading
from logging.handlers import QueueHandler
from typing import TYPE_CHECKING, Any, Final, Literal

from prefectx._isolation.protocol import LogMessage, Outcome, OutputMessage, PrintMessage

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def logger_levels() -> dict[str, int]:
    """Return the levels of all loggers that have one, by name; `""` is the root logger."""
    loggers = logging.root.manager.loggerDict
    named = {
        name: logger.level
        for name, logger in loggers.copy().items()
        if isinstance(logger, logging.Logger) and logger.level
    }
    return {**named, "": logging.root.level}


class OutputSender:
    """Sends the logs, prints and outcome of this process to its parent.

    Args:
        connection: The connection to the parent.
    """

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection: Final = connection
        # Reentrant: pickling a message may itself log a warning.
        self._lock: Final = threading.RLock()

    def send(self, message: OutputMessage | Outcome) -> None:
        """Send one message."""
        with self._lock:
            self._connection.send(message)

    def take_prints(self) -> None:
        """Redirect `sys.stdout` and `sys.stderr` to the parent."""
        sys.stdout, sys.stderr = _Lines(self, "stdout"), _Lines(self, "stderr")

    def take_logs(self, levels: dict[str, int]) -> None:
        """Send log records to the parent, except those that its levels would drop.

        Args:
            levels: The parent's levels.
        """
        for logger in logging.root.manager.loggerDict.values():
            if isinstance(logger, logging.Logger):
                logger.handlers.clear()
                logger.propagate = True
                logger.setLevel(logging.NOTSET)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        logging.root.handlers[:] = [_Handler(self)]

    def finish(self) -> None:
        """Send the last line, even if it is not complete."""
        sys.stdout.flush()
        sys.stderr.flush()


class _Handler(QueueHandler):
    """Prepares records for pickling, as for a queue, and sends them."""

    def __init__(self, output: OutputSender) -> None:
        super().__init__(output)  # type: ignore[arg-type]  # only `enqueue` below uses it

    def enqueue(self, record: logging.LogRecord) -> None:
        self.queue.send(LogMessage(record))  # type: ignore[attr-defined]


class _Lines(io.TextIOBase):
    """A text file that sends its content as soon as a line is complete."""

    encoding = "utf-8"

    def __init__(self, output: OutputSender, stream: Literal["stdout", "stderr"]) -> None:
        self._voice = output
        self._stream: Literal["stdout", "stderr"] = stream
        self._text = ""
        self._lock = threading.RLock()

    def write(self, text: str, /) -> int:
        with self._lock:
            self._text += text
            # One message for each print, which writes the end of the line separately.
            if text.endswith("\n"):
                self.flush()
        return len(text)

    def flush(self) -> None:
        with self._lock:
            text, self._text = self._text, ""
        if text:
            self._voice.send(PrintMessage(text, self._stream))

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return {"stdout": 1, "stderr": 2}[self._stream]
