"""What a worker still has to tell Prefect's API of its task runs."""

from __future__ import annotations

from typing import Final

from prefect.events.worker import EventsWorker

_SECONDS: Final = 5.0
"""How long a task run waits at most for the API to be told of it."""


def wait_until_reported() -> None:
    """Wait until what this process has reported of its task runs is on its way to the API.

    Prefect reports in the background. A worker that dies takes along what it has not sent yet, and
    the API would never know of a run that its flow takes for finished.
    """
    waiting = EventsWorker.instance()._queue  # pyright: ignore[reportPrivateUsage]
    with waiting.all_tasks_done:
        waiting.all_tasks_done.wait_for(lambda: not waiting.unfinished_tasks, _SECONDS)
