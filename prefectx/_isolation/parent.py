"""The parent's side: starts a child, says what it says, and sees that it never outlives its use."""

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

from prefectx._isolation.exit_messages import death
from prefectx._isolation.job import Order
from prefectx._isolation.output import levels_here
from prefectx._isolation.pickling import pickled
from prefectx._isolation.protocol import Outcome, Raised, Returned
from prefectx._logs.process_memory import resident
from prefectx._logs.progress import work_is_done_by
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from prefectx._isolation.job import Job

_TICK: Final = 0.1
"""How many seconds pass between two looks at whether to go on waiting.

An exception that a timeout raises in this thread gets through between two of them.
"""

_GRACE: Final = 2.0
"""How many seconds a child that is told to end has for its `finally` blocks."""

_LEAVING: Final = 30.0
"""How many seconds a child that has answered may take to end, for Prefect sends events then."""

# The folder is not looked into for modules before the parent's own path is known.
_START: Final = (
    "import sys; from multiprocessing.connection import Connection;"
    "talk = Connection(int(sys.argv[1])); faults, parent = map(int, sys.argv[2:]);"
    "sys.path[:], sys.argv[:] = talk.recv();"
    "from prefectx._isolation.child import main; main(talk, faults, parent)"
)


class GivenUp(Exception):
    """Nobody waits for a child's answer any more."""


def run_in_child(job: Job, given_up: Event | None = None) -> Any:
    """Do a job in a child process; return what it gives.

    Args:
        job: The job.
        given_up: Set when nobody waits any more.

    Raises:
        IsolatedRunDied: The child ended without an answer.
        UnsupportedValue: The job, or what it gives, cannot be pickled.
    """
    order = pickled(Order(job, levels_here()), f"a call of the task {job.task_name!r}")
    with Child(job) as child:
        child.send(order)
        outcome = child.outcome(given_up or Event())
    work_is_done_by(None)
    return _result(outcome, job)


async def arun_in_child(job: Job) -> Any:
    """Do a job in a child process while the event loop goes on; return what it gives."""
    given_up = Event()
    # The thread that starts a child must outlive it: the kernel ends the child with the thread.
    with ThreadPoolExecutor(1, "prefectx-isolate") as thread:
        running = thread.submit(copy_context().run, run_in_child, job, given_up)
        try:
            return await asyncio.wrap_future(running)
        except BaseException:
            given_up.set()
            wait([running])
            raise


def _result(outcome: Outcome, job: Job) -> Any:
    if isinstance(outcome, Raised):
        outcome.get()
    try:
        return outcome.get()
    except Exception as error:
        msg = f"what the task {job.task_name!r} returned cannot be read here: {error}"
        raise UnsupportedValue(msg) from error


class Child:
    """A process for one job; it ends with the `with` block, at the latest.

    Args:
        job: The job.
    """

    def __init__(self, job: Job) -> None:
        self._job: Final = job
        self._started: Final = time.monotonic()
        self._memory: int | None = None
        self._faults: Final[IO[bytes]] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._talk, theirs = multiprocessing.Pipe()
        with theirs:
            self._process = self._start(theirs)
        work_is_done_by(self._process.pid)

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
        with self._talk, self._faults:
            if kind is None:
                self._leave()
            self._end()

    def send(self, order: bytes) -> None:
        """Tell the child what to do."""
        try:
            self._talk.send((sys.path, sys.argv))
            self._talk.send_bytes(order)
        except ConnectionError:
            # It has died: `outcome` says of what.
            return

    def outcome(self, given_up: Event) -> Outcome:
        """Say what the child says until it has an answer; return that.

        Args:
            given_up: Set when nobody waits any more.

        Raises:
            IsolatedRunDied: It ended without an answer.
            GivenUp: `given_up` was set.
        """
        while not given_up.is_set():
            try:
                message = self._next()
            except (EOFError, ConnectionError):
                raise self._death() from None
            if isinstance(message, Returned | Raised):
                return message
            if message is not None:
                message.say()
        raise GivenUp

    def _next(self) -> Any:
        """Return the next message, or None if there is none for a moment."""
        if self._talk.poll(_TICK):
            return self._talk.recv()
        self._memory = resident(self._process.pid) or self._memory
        # Processes that the function has started may keep the connection open.
        if self._process.poll() is not None and not self._talk.poll():
            raise EOFError
        return None

    def _death(self) -> BaseException:
        seconds = time.monotonic() - self._started
        error = death(
            self._job.task_name, self._job.target, self._process.wait(), seconds, self._memory
        )
        self._faults.seek(0)
        if where := self._faults.read().decode(errors="replace").strip():
            error.add_note(where)
        return error

    def _leave(self) -> None:
        """Let the child end by itself, which it has begun to."""
        deadline = time.monotonic() + _LEAVING
        try:
            while time.monotonic() < deadline:
                if (message := self._next()) is not None:
                    message.say()
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
