"""Whether the scheduler is still there, and what is said when it is not."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from prefectx.errors import ClusterUnreachable

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefectx.dask.protocols import DaskClient


@contextmanager
def connected(client: DaskClient) -> Generator[None]:
    """See that the scheduler can be reached, before and after something is sent to it.

    A client that has lost its scheduler keeps what it is given and tries to reach it again, for
    half a minute by default. All that ran is lost by then, so there is nothing to wait for.

    Raises:
        ClusterUnreachable: It cannot.
    """
    _check(client)
    try:
        yield
    except OSError as error:
        raise ClusterUnreachable(_lost(client)) from error
    # What is sent while the client closes is never answered.
    _check(client)


def _check(client: DaskClient) -> None:
    if client.status != "running":
        raise ClusterUnreachable(_lost(client))


def _lost(client: DaskClient) -> str:
    scheduler = client.scheduler
    address = f" at {scheduler.address}" if scheduler is not None else ""
    return (
        f"the Dask scheduler{address} does not answer any more, and all that ran on its cluster is"
        " lost. Outputs that were finished are kept: run the flow again, on a cluster that"
        " answers, to make what is missing."
    )
