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
from dataclasses import dataclass
from threading import Event
from typing import IO, TYPE_CHECKING, Any, Final, Self

from prefectx._calls.child_jobs import Execution, Making, Work
from prefectx._calls.execute import given
from prefectx._isolation.exit_messages import death
from prefectx._isolation.output import levels_here
from prefectx._isolation.pickling import pickled
from prefectx._isolation.protocol import Outcome, Raised, Returned
from prefectx._logs.process_memory import resident
from prefectx._logs.progress import work_is_done_by
from prefectx._runners.prefect.child_context import run_here
from prefectx._settings.context import context_names
from prefectx._settings.mode import current_mode
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from prefectx._calls.call import Call
    from prefectx._settings.mode import Mode

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


@dataclass(frozen=True)
class Order:
    """All that a child is told."""

    work: Work
    mode: Mode
    names: dict[str, Any]
    run: bytes | None
    levels: dict[str, int]

    @classmethod
    def here(cls, work: Work) -> Order:
        """Return the order to do a work as it would be done here."""
        return cls(work, current_mode(), dict(context_names()), run_here(), levels_here())


class GivenUp(Exception):
    """Nobody waits for a child's answer any more."""


def executed_apart(work: Execution) -> Any:
    """Run a task's function in a child; return what it gives.

    Raises:
        IsolatedRunDied: The child ended without an answer.
        UnsupportedValue: The call, or what it gives, cannot be pickled.
    """
    return _done_apart(work)


async def aexecuted_apart(work: Execution) -> Any:
    """Do the same while the event loop goes on."""
    return await _adone_apart(work)


def made_apart(call: Call) -> Any:
    """Run a task's function in a child, which keeps the output; return what the caller is given.

    Raises:
        IsolatedRunDied: The child ended without an answer.
        UnsupportedValue: The call, or the output, cannot be pickled.
    """
    return _given(call, _done_apart(Making(call)))


async def amade_apart(call: Call) -> Any:
    """Do the same while the event loop goes on."""
    return _given(call, await _adone_apart(Making(call)))


def _given(call: Call, made: Any) -> Any:
    return made if call.item is None else given(call)


async def _adone_apart(work: Work) -> Any:
    given_up = Event()
    with ThreadPoolExecutor(1, "prefectx-isolate") as thread:
        running = thread.submit(copy_context().run, _done_apart, work, given_up)
        try:
            return await asyncio.wrap_future(running)
        except BaseException:
            given_up.set()
            wait([running])
            raise


def _done_apart(work: Work, given_up: Event | None = None) -> Any:
    order = pickled(Order.here(work), f"a call of the task {work.task.name!r}")
    with Child(work) as child:
        child.send(order)
        outcome = child.outcome(given_up or Event())
    work_is_done_by(None)
    return _got(outcome, work)


def _got(outcome: Outcome, work: Work) -> Any:
    if isinstance(outcome, Raised):
        outcome.get()
    try:
        return outcome.get()
    except Exception as error:
        msg = f"what the task {work.task.name!r} returned cannot be read here: {error}"
        raise UnsupportedValue(msg) from error


class Child:
    """A process for one work; it ends with the `with` block, at the latest.

    Args:
        work: The work.
    """

    def __init__(self, work: Work) -> None:
        self._work: Final = work
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
            self._work.task, self._work.target, self._process.wait(), seconds, self._memory
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
