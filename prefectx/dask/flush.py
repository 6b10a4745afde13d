"""Sending of a worker's pending reports to Prefect's API."""

from __future__ import annotations

from typing import Final

from prefectx.dask.private import wait_until_sent

_SECONDS: Final = 5.0
"""The maximal time, in seconds, for which a task run waits until its reports are sent."""


def wait_until_reported() -> None:
    """Wait until this process has sent its reports of task runs to the API.

    Prefect reports in the background. If a worker dies, its unsent reports are lost, and the API
    would never learn that a run has finished.
    """
    wait_until_sent(_SECONDS)
