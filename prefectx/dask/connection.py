"""Checks of the connection to the scheduler, and the error if it is lost."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from prefectx.errors import ClusterUnreachable

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefectx.dask.protocols import DaskClient


@contextmanager
def ensure_connected(client: DaskClient) -> Generator[None]:
    """Check the connection to the scheduler before and after the `with` statement.

    A client that has lost its scheduler queues messages and tries to reconnect, for half a minute
    by default. But everything that ran is lost, so there is nothing to wait for.

    Raises:
        ClusterUnreachable: The connection is lost.
    """
    _check(client)
    try:
        yield
    except OSError as error:
        raise ClusterUnreachable(_lost(client)) from error
    # A message that is sent while the client closes is never answered.
    _check(client)


def _check(client: DaskClient) -> None:
    if client.status != "running":
        raise ClusterUnreachable(_lost(client))


def _lost(client: DaskClient) -> str:
    scheduler = client.scheduler
    address = f" at {scheduler.address}" if scheduler is not None else ""
    return (
        f"the Dask scheduler{address} does not answer any more, and everything that ran on its"
        " cluster is lost. Finished outputs are stored. Run the flow again, on a cluster that"
        " answers, to make the missing ones."
    )
