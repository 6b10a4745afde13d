"""Reports of task runs that a worker has still to send to Prefect's API."""

from __future__ import annotations

from typing import Final

from prefectx.dask.private import wait_until_sent

_SECONDS: Final = 5.0
"""How long a task run waits at most for the API to be told of it."""


def wait_until_reported() -> None:
    """Wait until what this process has reported of its task runs is on its way to the API.

    Prefect reports in the background. A worker that dies takes along what it has not sent yet, and
    the API would never know of a run that its flow takes for finished.
    """
    wait_until_sent(_SECONDS)
