"""The logs that a Prefect server has of a flow run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from patience import PATIENCE
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.sorting import LogSort
from prefect.logging.handlers import APILogWorker

from prefectx import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient


PAGE: Final = 200


class Line(NamedTuple):
    """A line of the API.

    Attributes:
        run: The name of its task run, or of its flow: flow runs have names of Prefect's making.
        message: What the API shows, without the names of flow runs.
    """

    run: str
    logger: str
    message: str


class Logs:
    """What a server has of the runs of one flow run."""

    def __init__(self, client: SyncPrefectClient, server: Any, flow_run: UUID) -> None:
        self._client = client
        self._server = server
        self._flow_run = flow_run

    def lines(self, *, until: Callable[[list[str]], bool] = lambda _: True) -> list[Line]:
        """Return the lines of code of runs, once `until` is true of their messages.

        All that this process has logged is waited for.
        """
        APILogWorker.drain_all(timeout=PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while (found := self._read()) is None or not until([line.message for line in found]):
            if time.monotonic() > deadline:
                msg = f"there are only {found}"
                raise TimeoutError(msg)
            time.sleep(0.05)
        return found

    def messages(self) -> list[str]:
        """Return the messages that are there, Prefect's own too."""
        return [log.message for log in self._all()]

    def _all(self) -> list[Any]:
        wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[self._flow_run]))
        found: list[Any] = []
        while page := self._client.read_logs(
            wanted, limit=PAGE, offset=len(found), sort=LogSort.TIMESTAMP_ASC
        ):
            found += page
        return found

    def _read(self) -> list[Line] | None:
        """Return the lines, or None while the task run of one of them is not recorded."""
        found = self._all()
        (flow_run,) = self._server.flow_runs(self._flow_run)
        runs = [run for run in self._server.task_runs(self._flow_run) if run.state.is_final()]
        names = {run.id: run.name for run in runs} | {None: "flow"}
        if any(log.task_run_id not in names for log in found):
            return None
        return [
            Line(names[log.task_run_id], log.name, log.message.replace(flow_run.name, "NAME"))
            for log in found
            if ".py:" in log.message
        ]


def logs_of(flow: Any, *args: Any, client: Any, server: Any) -> Logs:
    """Run a flow, which must complete; return what the server has of its run."""
    state = flow(*args, return_state=True)
    load(state.result())
    return Logs(client, server, state.state_details.flow_run_id)
