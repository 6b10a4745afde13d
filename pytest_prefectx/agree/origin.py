"""Copies of this process in its state before a program ran.

A copy is made with `fork`, so it can run any function, and need not import anything.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

LONGEST: Final = 60.0
"""The maximal time, in seconds, of a call in a copy; after that, it is made in this process."""

# Libraries that do not work after a fork.
_NOT_COPIED: Final = ("grpc", "jax", "tensorflow", "torch")


class Origin:
    """A copy of this process that runs a function in copies of itself.

    Args:
        run: The function. It gets a text, and its result is sent back.
    """

    def __init__(self, run: Callable[[str], Any]) -> None:
        from multiprocessing.connection import Pipe

        self._connection, theirs = Pipe()
        self._process = _fork()
        if self._process == 0:
            self._connection.close()
            _serve(theirs, run)
        theirs.close()

    def run(self, text: str) -> Any:
        """Run the function with `text` in a new copy; return its result.

        Raises:
            NoAnswer: There is no result, or it cannot be pickled.
        """
        if not self._process:
            raise NoAnswer
        try:
            self._connection.send_bytes(text.encode())
            if self._connection.poll(LONGEST):
                return pickle.loads(self._connection.recv_bytes())
        except Exception as error:
            raise NoAnswer from error
        self.close()
        raise NoAnswer

    def close(self) -> None:
        """End the process and its copies."""
        if self._process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
            self._process = 0
            self._connection.close()


class NoAnswer(Exception):
    """A copy of the process has sent no result."""


def can_fork() -> bool:
    """Tell whether a fork of this process would work: it would have no other threads."""
    if not hasattr(os, "fork") or sys.platform == "darwin" or threading.active_count() > 1:
        return False
    return not any(name in sys.modules for name in _NOT_COPIED)


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns of the threads of numeric libraries, which handle forks.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    # Set in both processes, whichever comes first.
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.setpgid(process, process)
    return process


def _serve(connection: Connection, run: Callable[[str], Any]) -> None:
    """Answer requests, each in a new process, until the other end is closed."""
    # The collector of each copy would touch, and so copy, the memory of all that is there already.
    gc.freeze()
    try:
        while True:
            text = connection.recv_bytes().decode()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                connection.send_bytes(pickle.dumps(run(text)))
                os._exit(0)
            if os.waitpid(child, 0)[1]:
                connection.send_bytes(b"")  # not a pickle
    finally:
        # pytest's own code must not go on here.
        os._exit(1)
