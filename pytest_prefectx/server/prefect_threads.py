"""Prefect's background threads in this process: what they report, print, and leave undone."""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from datetime import datetime

    from prefect.client.schemas.objects import TaskRun
    from prefect.events import Event
    from prefect.events.worker import EventsWorker

DRAIN_TIMEOUT: Final = 10.0

# After so many seconds what was reported is taken for lost: see Reports.give_up.
LOST_AFTER: Final = 60.0

REPORTS_A_TASK_RUN: Final = "prefect.task-run."

# Modules whose code uses the global `random` in Prefect's threads: for the payload of the pings
# that keep a connection alive, and for the pause before a request is tried again.
USE_RANDOM: Final = ("websockets.asyncio.connection", "prefect.utilities.math")


class Report(NamedTuple):
    """The last state of a task run that this process has reported."""

    name: str
    occurred: datetime
    sent: float


class Reports:
    """The task runs that this process has reported, and that were not yet seen to be recorded.

    The order in which events are sent says nothing about the order in which the server records
    them: it writes several batches at a time, each in several steps, and a batch that fails goes
    to the end of its queue. So what was sent is remembered, and looked for.
    """

    def __init__(self) -> None:
        self._last: Final[dict[str, Report]] = {}
        self._lock: Final = threading.Lock()

    def note(self, event: Event) -> None:
        """Remember the event if it reports a task run's state."""
        resource = event.resource.id
        if event.resource.get("prefect.orchestration") != "client":
            return
        if resource.startswith(REPORTS_A_TASK_RUN):
            name = event.resource.name or resource
            report = Report(name, event.occurred, time.monotonic())
            with self._lock:
                self._last[resource.removeprefix(REPORTS_A_TASK_RUN)] = report

    def pending(self, limit: int | None = None) -> list[str]:
        """Return the ids of the first task runs that were not yet seen."""
        with self._lock:
            return list(self._last)[:limit]

    def see(self, recorded: Iterable[TaskRun]) -> bool:
        """Forget what is recorded, and tell whether that was anything."""
        with self._lock:
            before = len(self._last)
            for run in recorded:
                last = self._last.get(str(run.id))
                # A state that another process reported since is as good.
                if last and run.state and run.state.timestamp >= last.occurred:
                    del self._last[str(run.id)]
            return len(self._last) < before

    def give_up(self) -> str:
        """Say what is missing; forget what must be lost, which is to fail one test and not all."""
        with self._lock:
            names = sorted(report.name for report in self._last.values())
            lost_before = time.monotonic() - LOST_AFTER
            for identity, report in list(self._last.items()):
                if report.sent < lost_before:
                    del self._last[identity]
        return f"{len(names)} task runs that this process reported, such as {', '.join(names[:3])}"


@contextmanager
def followed() -> Generator[Reports]:
    """Remember what Prefect sends to the server."""
    from prefect.events.clients import PrefectEventsClient
    from prefect.events.worker import EventsWorker

    reports = Reports()
    send = EventsWorker.send

    def send_and_note(worker: EventsWorker, item: Event) -> None:
        send(worker, item)
        # Prefect's own test helpers, and process pools, have clients that send elsewhere.
        if worker.client_type is PrefectEventsClient:
            reports.note(item)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventsWorker, "send", send_and_note)
        yield reports


@contextmanager
def private_random() -> Generator[None]:
    """Keep Prefect's threads off the global `random`.

    Hypothesis takes it for a mistake of the strategy if the state changes while an example is
    drawn, whoever did it, and warns; and a test that seeds `random` is to get the same numbers.
    """
    own = random.Random()  # noqa: S311 - no secrets: what Prefect takes from `random` anyway
    with pytest.MonkeyPatch.context() as patch:
        for name in USE_RANDOM:
            # Not raising: where there is no such name there is nothing to replace.
            if hasattr(module := import_module(name), "random"):
                patch.setattr(module, "random", own)
        yield


class _PresentStderr:
    """Writes to whatever `sys.stderr` is at the time: pytest's capturing replaces and closes it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


def log_to_the_present_stderr() -> None:
    """Have Prefect's loggers write to what `sys.stderr` is when they write."""
    from prefect.logging.handlers import PrefectConsoleHandler

    loggers = [logging.getLogger(name) for name in (None, *logging.root.manager.loggerDict)]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        # Not put back: by then the stream that Prefect found when it was imported may be closed.
        if isinstance(handler, PrefectConsoleHandler):
            stream = cast("TextIO", _PresentStderr())
            handler.stream = handler.console.file = stream


def drain() -> None:
    """Let what is still to be reported reach the server, in bounded time."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    workers: tuple[Any, ...] = (APILogWorker, EventsWorker)
    for worker in workers:
        worker.drain_all(timeout=DRAIN_TIMEOUT)
