"""`Connection`: whether a flow run still has the scheduler that it began with."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prefectx.dask.private import stream_to_scheduler
from prefectx.errors import ClusterUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from prefectx.dask.protocols import DaskClient


class Connection:
    """The connection of a flow run to its scheduler, which is lost for good when it breaks once.

    Dask's client tries for half a minute to connect again, and calls itself running when it has
    found a scheduler at the address. But all that ran is lost, and if that scheduler is a new one,
    it has nothing of what this run has stored on the old one.

    Args:
        client: The client of the cluster.
    """

    def __init__(self, client: DaskClient) -> None:
        self.client: Final = client
        self._address: Final = client.scheduler.address if client.scheduler is not None else ""
        self._stream: Final = stream_to_scheduler(client)

    @property
    def is_lost(self) -> bool:
        """True if the connection has broken since the run began."""
        if self.client.status != "running":
            return True
        return stream_to_scheduler(self.client) is not self._stream

    @contextmanager
    def ensured(self) -> Generator[None]:
        """Check the connection before and after the `with` statement.

        Raises:
            ClusterUnreachable: The connection is lost.
        """
        self._check()
        try:
            yield
        except OSError as error:
            raise self._error() from error
        # A message that is sent while the client closes is never answered.
        self._check()

    def _check(self) -> None:
        if self.is_lost:
            raise self._error()

    def _error(self) -> ClusterUnreachable:
        msg = (
            f"the Dask scheduler at {self._address} does not answer any more, or has been started"
            " anew, and everything that ran on its cluster is lost. Finished outputs are stored."
            " Run the flow again, on a cluster that answers, to make the missing ones."
        )
        return ClusterUnreachable(msg)


_SECONDS: Final = 10
"""The maximal time, in seconds, that a scheduler has for each step of a flow's end."""


def is_done_in_time(step: Callable[[], object]) -> bool:
    """Do a step that needs the scheduler, unless that hangs; tell whether it was done.

    Dask itself would wait for ever.
    """
    errors: list[BaseException] = []

    def run() -> None:
        try:
            step()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=run, name="dask-goodbye", daemon=True)
    thread.start()
    thread.join(_SECONDS)
    if errors:
        raise errors[0]
    return not thread.is_alive()
