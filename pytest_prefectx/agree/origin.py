"""Copies of this process as it was before a program ran: what a program leaves behind is not there.

A copy is made with `fork`, so functions of any kind run there, and nothing has to be imported.
"""

from __future__ import annotations

import contextlib
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
"""How many seconds a call in a copy may take; it is made in this process then."""

# They do not work in a copy of the process that has begun to use them.
_NOT_COPIED: Final = ("grpc", "jax", "tensorflow", "torch")


class Origin:
    """A process that stays as this one is now, and runs a function in copies of itself.

    Args:
        run: The function. It is given a text, and what it returns is sent back.
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
        """Return what the function returns for `text` in a new copy.

        Raises:
            NotSent: It cannot be sent, or there is none.
        """
        if not self._process:
            raise NotSent
        try:
            self._connection.send_bytes(text.encode())
            if self._connection.poll(LONGEST):
                return pickle.loads(self._connection.recv_bytes())
        except Exception as error:
            raise NotSent from error
        self.close()
        raise NotSent

    def close(self) -> None:
        """End the process and its copies."""
        if self._process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
            self._process = 0
            self._connection.close()


class NotSent(Exception):
    """A function has not returned from a copy of the process anything that could be sent."""


def can_be_copied() -> bool:
    """Tell whether a copy of this process would work: other threads would not be in it."""
    if not hasattr(os, "fork") or sys.platform == "darwin" or threading.active_count() > 1:
        return False
    return not any(name in sys.modules for name in _NOT_COPIED)


def _fork() -> int:
    with warnings.catch_warnings():
        # From 3.12 on, of threads that numeric libraries have started, which take care of it.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    # Set by both, so that it is so whoever comes first.
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.setpgid(process, process)
    return process


def _serve(connection: Connection, run: Callable[[str], Any]) -> None:
    """Answer requests, each in a process of its own, until the other end is closed."""
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
        # Nothing of pytest's may go on here.
        os._exit(1)
