"""The parent's side: starts a child, forwards its output, and ends it when nobody waits."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Event
from typing import IO, TYPE_CHECKING, Any, Final, Self

from prefectx._isolation.exit_messages import exit_error
from prefectx._isolation.job import Order
from prefectx._isolation.output import logger_levels
from prefectx._isolation.pickling import pickle_value
from prefectx._isolation.protocol import ErrorMessage, Outcome, ResultMessage
from prefectx._logs.process_memory import resident_memory
from prefectx._logs.progress import set_worker_process
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from prefectx._isolation.job import Job

_TICK: Final = 0.1
"""The interval, in seconds, at which the parent checks whether to go on waiting.

An exception that a timeout raises in this thread takes effect between two checks.
"""

_GRACE: Final = 2.0
"""The time, in seconds, that a terminated child has for its `finally` blocks."""

_LEAVING: Final = 30.0
"""The time, in seconds, for a child to exit after its outcome: Prefect may still send events."""

# -P: no module is imported from the current folder before the parent's sys.path is set.
_START: Final = (
    "import sys; from multiprocessing.connection import Connection;"
    "connection = Connection(int(sys.argv[1])); faults, parent = map(int, sys.argv[2:]);"
    "sys.path[:], sys.argv[:] = connection.recv();"
    "from prefectx._isolation.child import main; main(connection, faults, parent)"
)


class JobCancelled(Exception):
    """The job was cancelled: nobody waits for its outcome."""


def run_in_child(job: Job, cancelled: Event | None = None) -> Any:
    """Run a job in a child process; return its result.

    Args:
        job: The job.
        cancelled: An event that is set when nobody waits for the outcome any more.

    Raises:
        IsolatedRunDied: The child ended without an outcome.
        UnsupportedValue: The job, or its result, cannot be pickled.
    """
    order = pickle_value(Order(job, logger_levels()), f"a call of the task {job.task_name!r}")
    with Child(job) as child:
        child.send(order)
        outcome = child.outcome(cancelled or Event())
    set_worker_process(None)
    return _result(outcome, job)


async def arun_in_child(job: Job) -> Any:
    """Async version of `run_in_child`."""
    cancelled = Event()
    # The thread that starts a child must outlive it: the kernel kills the child with the thread.
    with ThreadPoolExecutor(1, "prefectx-isolate") as thread:
        running = thread.submit(copy_context().run, run_in_child, job, cancelled)
        try:
            return await asyncio.wrap_future(running)
        except BaseException:
            cancelled.set()
            wait([running])
            raise


def _result(outcome: Outcome, job: Job) -> Any:
    if isinstance(outcome, ErrorMessage):
        outcome.get()
    try:
        return outcome.get()
    except Exception as error:
        msg = f"the result of the task {job.task_name!r} cannot be unpickled here: {error}"
        raise UnsupportedValue(msg) from error


class Child:
    """A process for one job, which ends with the `with` block at the latest.

    Args:
        job: The job.
    """

    def __init__(self, job: Job) -> None:
        self._job: Final = job
        self._started: Final = time.monotonic()
        self._memory: int | None = None
        self._faults: Final[IO[bytes]] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._connection, theirs = multiprocessing.Pipe()
        with theirs:
            self._process = self._start(theirs)
        set_worker_process(self._process.pid)

    def _start(self, theirs: Connection[Any, Any]) -> subprocess.Popen[bytes]:
        fds = (theirs.fileno(), self._faults.fileno())
        arguments = map(str, (*fds, os.getpid()))
        return subprocess.Popen(  # noqa: S603 - this very Python
            [sys.executable, "-P", "-c", _START, *arguments],
            stdin=subprocess.DEVNULL,
            pass_fds=fds,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._connection, self._faults:
            if kind is None:
                self._leave()
            self._end()

    def send(self, order: bytes) -> None:
        """Send the job to the child."""
        try:
            self._connection.send((sys.path, sys.argv))
            self._connection.send_bytes(order)
        except ConnectionError:
            # The child has died: `outcome` raises the error.
            return

    def outcome(self, cancelled: Event) -> Outcome:
        """Forward the child's output until it sends its outcome; return that.

        Args:
            cancelled: An event that is set when nobody waits for the outcome any more.

        Raises:
            IsolatedRunDied: The child ended without an outcome.
            JobCancelled: `cancelled` was set.
        """
        while not cancelled.is_set():
            try:
                message = self._next()
            except (EOFError, ConnectionError):
                raise self._exit_error() from None
            if isinstance(message, ResultMessage | ErrorMessage):
                return message
            if message is not None:
                message.emit()
        raise JobCancelled

    def _next(self) -> Any:
        """Return the next message, or None if there is none within the interval."""
        if self._connection.poll(_TICK):
            return self._connection.recv()
        self._memory = resident_memory(self._process.pid) or self._memory
        # Processes that the function has started may hold the connection open.
        if self._process.poll() is not None and not self._connection.poll():
            raise EOFError
        return None

    def _exit_error(self) -> BaseException:
        seconds = time.monotonic() - self._started
        error = exit_error(
            self._job.task_name, self._job.target, self._process.wait(), seconds, self._memory
        )
        self._faults.seek(0)
        if where := self._faults.read().decode(errors="replace").strip():
            error.add_note(where)
        return error

    def _leave(self) -> None:
        """Wait until the child has exited by itself."""
        deadline = time.monotonic() + _LEAVING
        try:
            while time.monotonic() < deadline:
                if (message := self._next()) is not None:
                    message.emit()
        except (EOFError, ConnectionError):
            self._wait(deadline - time.monotonic())

    def _end(self) -> None:
        try:
            if self._process.poll() is None:
                self._process.terminate()
                self._wait(_GRACE)
        finally:
            self._process.kill()
            self._process.wait()

    def _wait(self, seconds: float) -> None:
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return
