"""The child's voice: what it logs and prints, its parent says."""

from __future__ import annotations

import io
import logging
import sys
import threading
from logging.handlers import QueueHandler
from typing import TYPE_CHECKING, Any, Final, Literal

from prefectx._isolation.protocol import Logged, Outcome, Printed, Said

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def levels_here() -> dict[str, int]:
    """Return the levels that are set here, by the logger's name; that of the root by `""`."""
    loggers = logging.root.manager.loggerDict
    named = {
        name: logger.level
        for name, logger in loggers.copy().items()
        if isinstance(logger, logging.Logger) and logger.level
    }
    return {**named, "": logging.root.level}


class Voice:
    """Sends all that this process says through a connection.

    Args:
        talk: The connection to the parent.
    """

    def __init__(self, talk: Connection[Any, Any]) -> None:
        self._talk: Final = talk
        # A thread may say something while it says something: a warning about what is pickled.
        self._lock: Final = threading.RLock()

    def send(self, message: Said | Outcome) -> None:
        """Send one message."""
        with self._lock:
            self._talk.send(message)

    def take_prints(self) -> None:
        """Let `print`, and all else that writes to `sys.stdout` and `sys.stderr`, be heard."""
        sys.stdout, sys.stderr = _Lines(self, "stdout"), _Lines(self, "stderr")

    def take_logs(self, levels: dict[str, int]) -> None:
        """Let what is logged be heard, and nothing that the parent would not log.

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
        """Say the last line, even if it did not end."""
        sys.stdout.flush()
        sys.stderr.flush()


class _Handler(QueueHandler):
    """Makes records fit for a pickle, as for a queue."""

    def __init__(self, voice: Voice) -> None:
        super().__init__(voice)  # type: ignore[arg-type]  # only `enqueue` below uses it

    def enqueue(self, record: logging.LogRecord) -> None:
        self.queue.send(Logged(record))  # type: ignore[attr-defined]


class _Lines(io.TextIOBase):
    """A text file that says what was written as soon as a line is complete."""

    encoding = "utf-8"

    def __init__(self, voice: Voice, stream: Literal["stdout", "stderr"]) -> None:
        self._voice = voice
        self._stream: Literal["stdout", "stderr"] = stream
        self._text = ""
        self._lock = threading.RLock()

    def write(self, text: str, /) -> int:
        with self._lock:
            self._text += text
            # One message for each print, which writes the end of the line by itself.
            if text.endswith("\n"):
                self.flush()
        return len(text)

    def flush(self) -> None:
        with self._lock:
            text, self._text = self._text, ""
        if text:
            self._voice.send(Printed(text, self._stream))

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return {"stdout": 1, "stderr": 2}[self._stream]
