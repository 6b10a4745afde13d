"""Prefect's background threads in this process: their reports, logs and random numbers."""

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

# The time in seconds after which a report is considered lost: see PendingReports.give_up.
LOST_AFTER: Final = 60.0

REPORTS_A_TASK_RUN: Final = "prefect.task-run."

# Modules that use the global `random` in Prefect's threads: for the payload of pings, and for the
# pause before a request is repeated.
USE_RANDOM: Final = ("websockets.asyncio.connection", "prefect.utilities.math")


class Report(NamedTuple):
    """The last state of a task run that this process has reported."""

    name: str
    occurred: datetime
    sent: float


class PendingReports:
    """The task runs that this process has reported and the server has not recorded yet.

    The server may record events in another order than they were sent: it writes several batches
    at a time, each in several steps, and a batch that fails goes to the end of its queue. So the
    reports are remembered and looked up.
    """

    def __init__(self) -> None:
        self._last: Final[dict[str, Report]] = {}
        self._lock: Final = threading.Lock()

    def note(self, event: Event) -> None:
        """Add an event if it reports a task run's state."""
        resource = event.resource.id
        if event.resource.get("prefect.orchestration") != "client":
            return
        if resource.startswith(REPORTS_A_TASK_RUN):
            name = event.resource.name or resource
            report = Report(name, event.occurred, time.monotonic())
            with self._lock:
                self._last[resource.removeprefix(REPORTS_A_TASK_RUN)] = report

    def pending(self, limit: int | None = None) -> list[str]:
        """Return the ids of the first task runs that are not recorded yet."""
        with self._lock:
            return list(self._last)[:limit]

    def mark_recorded(self, recorded: Iterable[TaskRun]) -> bool:
        """Remove the runs that are recorded, and tell whether there were any."""
        with self._lock:
            before = len(self._last)
            for run in recorded:
                last = self._last.get(str(run.id))
                # A later state, from another process, is enough.
                if last and run.state and run.state.timestamp >= last.occurred:
                    del self._last[str(run.id)]
            return len(self._last) < before

    def give_up(self) -> str:
        """Describe the missing reports; forget lost ones, so that they fail one test only."""
        with self._lock:
            names = sorted(report.name for report in self._last.values())
            lost_before = time.monotonic() - LOST_AFTER
            for identity, report in list(self._last.items()):
                if report.sent < lost_before:
                    del self._last[identity]
        runs = "1 task run" if len(names) == 1 else f"{len(names)} task runs"
        return f"{runs} that this process reported, such as {', '.join(names[:3])}"


@contextmanager
def track_reports() -> Generator[PendingReports]:
    """Track the events that Prefect sends to the server."""
    from prefect.events.clients import PrefectEventsClient
    from prefect.events.worker import EventsWorker

    reports = PendingReports()
    send = EventsWorker.send

    def send_and_note(worker: EventsWorker, item: Event) -> None:
        send(worker, item)
        # The clients of Prefect's test helpers and process pools send elsewhere.
        if worker.client_type is PrefectEventsClient:
            reports.note(item)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventsWorker, "send", send_and_note)
        yield reports


@contextmanager
def private_random() -> Generator[None]:
    """Let Prefect's threads use a separate generator instead of the global `random`.

    Hypothesis warns if the global state changes while an example is drawn; and a test that seeds
    `random` must get the same numbers each time.
    """
    own = random.Random()  # noqa: S311 - Prefect uses it for no secrets
    with pytest.MonkeyPatch.context() as patch:
        for name in USE_RANDOM:
            # Another version may not have the name: then there is nothing to replace.
            if hasattr(module := import_module(name), "random"):
                patch.setattr(module, "random", own)
        yield


class _CurrentStderr:
    """Writes to the current `sys.stderr`, which pytest's capturing replaces and closes."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


def log_to_current_stderr() -> None:
    """Let Prefect's loggers write to the current `sys.stderr`."""
    from prefect.logging.handlers import PrefectConsoleHandler

    loggers = [logging.getLogger(name) for name in (None, *logging.root.manager.loggerDict)]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        # Not restored, because the stream of Prefect's import may be closed by then.
        if isinstance(handler, PrefectConsoleHandler):
            stream = cast("TextIO", _CurrentStderr())
            handler.stream = handler.console.file = stream


def drain() -> None:
    """Send the pending reports to the server, in limited time."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    workers: tuple[Any, ...] = (APILogWorker, EventsWorker)
    for worker in workers:
        worker.drain_all(timeout=DRAIN_TIMEOUT)
