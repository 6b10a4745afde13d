"""Prefect in this process, pointed at the ephemeral server, and what that server recorded."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TextIO, cast
from uuid import UUID, uuid4

from pytest_prefectx.server import wait_for_url
from pytest_prefectx.session import environment, isolation

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import httpx
    from prefect.client.schemas.objects import FlowRun, TaskRun

    from pytest_prefectx.server import Server

DRAIN_TIMEOUT: Final = 10.0
PAGE: Final = 200
POLL: Final = 0.05
FENCE: Final = "prefectx-fence"


@contextmanager
def connected(folder: Path, server: Server | None) -> Generator[PrefectServer]:
    """Make Prefect in this process, and in those it starts, use the server in `folder`.

    Args:
        folder: Where the server lives, and Prefect's client keeps its files.
        server: The server if this process started it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(environment(isolation(folder)))
        # Prefect reads the environment while it is imported, so not before it is isolated; and
        # before waiting, because the import takes about as long as the server's start.
        import_module("prefect.flows")
        import httpx

        url = wait_for_url(folder, server)
        api_url = f"{url}/api"
        stack.enter_context(environment({"PREFECT_API_URL": api_url}))
        stack.enter_context(_settings(api_url, folder))
        _log_to_the_present_stderr()
        http = stack.enter_context(httpx.Client(base_url=api_url, timeout=60))
        stack.callback(_drain)
        yield PrefectServer(url, http)


class PrefectServer:
    """A real, isolated Prefect server.

    Attributes:
        url: Its address, such as `http://127.0.0.1:41234`.
        api_url: The address of its API: the value of `PREFECT_API_URL`.
    """

    def __init__(self, url: str, http: httpx.Client) -> None:
        self.url: Final = url
        self.api_url: Final = f"{url}/api"
        self._http: Final = http

    def __repr__(self) -> str:
        return f"PrefectServer({self.url!r})"

    def flow_runs(
        self,
        flow_run_id: UUID | str | None = None,
        *,
        name: str | None = None,
        flow_name: str | None = None,
        expect: int | None = None,
        timeout: float = 60,
    ) -> list[FlowRun]:
        """Return the flow runs that the server knows, the oldest first.

        Args:
            flow_run_id: Only this one.
            name: Only those whose own name contains this.
            flow_name: Only those of the flow with this name.
            expect: Wait until there are at least as many.
            timeout: How many seconds to wait at most.

        Raises:
            TimeoutError: There were fewer than expected when time was up.
        """
        from prefect.client.schemas.objects import FlowRun

        filters: dict[str, Any] = {}
        if flow_run_id or name:
            filters["flow_runs"] = _filter(id=_any(flow_run_id), name=_like(name))
        if flow_name:
            filters["flows"] = {"name": {"any_": [flow_name]}}
        found = self._read("flow_runs", filters, expect, time.monotonic() + timeout)
        return sorted(map(FlowRun.model_validate, found), key=_age)

    def task_runs(
        self,
        flow_run_id: UUID | str | None = None,
        *,
        name: str | None = None,
        expect: int | None = None,
        timeout: float = 60,
    ) -> list[TaskRun]:
        """Return the task runs that the server recorded, the oldest first.

        Prefect reports task runs in the background. All that this process has reported so far is
        waited for, so an empty list means that there was none. For what other processes report
        (process pools, Dask workers), say how many to `expect`.

        Args:
            flow_run_id: Only those of this flow run.
            name: Only those whose own name contains this.
            expect: Wait until there are at least as many, all of them in a final state.
            timeout: How many seconds to wait at most.

        Raises:
            TimeoutError: There were fewer than expected when time was up, or the server stopped
                recording.
        """
        from prefect.client.schemas.objects import TaskRun

        deadline = time.monotonic() + timeout
        self._wait_for_recorder(deadline)
        filters: dict[str, Any] = {}
        if flow_run_id:
            filters["flow_runs"] = _filter(id=_any(flow_run_id))
        if name:
            filters["task_runs"] = _filter(name=_like(name))
        if expect is not None:
            final = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]}}}
            ended = filters | {"task_runs": filters.get("task_runs", {}) | final}
            self._wait_for("task_runs", ended, expect, deadline)
        found = self._read("task_runs", filters, None, deadline)
        runs = map(TaskRun.model_validate, (run for run in found if run["name"] != FENCE))
        return sorted(runs, key=_age)

    def _wait_for_recorder(self, deadline: float) -> None:
        """Wait until the server has recorded all task runs that this process has reported."""
        from prefect.events import emit_event

        # Events are recorded in the order in which they were sent, so one more is sent and waited
        # for. Looking whether the number still changes could not tell "none" from "not yet".
        fence = uuid4()
        emit_event(
            event="prefect.task-run.Completed",
            resource={
                "prefect.resource.id": f"prefect.task-run.{fence}",
                "prefect.resource.name": FENCE,
                "prefect.orchestration": "client",
            },
            payload={
                "validated_state": {"type": "COMPLETED", "name": "Completed"},
                "task_run": {"name": FENCE, "task_key": FENCE, "dynamic_key": str(fence)},
            },
        )
        while self._http.get(f"/task_runs/{fence}").is_error:
            if time.monotonic() > deadline:
                msg = f"{self.api_url} did not record in time what this process reported to it"
                raise TimeoutError(msg)
            time.sleep(POLL)

    def _wait_for(self, kind: str, filters: dict[str, Any], expect: int, deadline: float) -> None:
        while (count := self._post(f"/{kind}/count", filters)) < expect:
            if time.monotonic() > deadline:
                msg = f"{self.api_url} has {count} {kind} of {expect} expected ones for {filters}"
                raise TimeoutError(msg)
            time.sleep(POLL)

    def _read(
        self, kind: str, filters: dict[str, Any], expect: int | None, deadline: float
    ) -> list[dict[str, Any]]:
        if expect is not None:
            self._wait_for(kind, filters, expect, deadline)
        found: list[dict[str, Any]] = []
        while page := self._post(
            f"/{kind}/filter", filters | {"sort": "ID_DESC", "limit": PAGE, "offset": len(found)}
        ):
            found += page
        return found

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._http.post(path, json=body).raise_for_status().json()


def _filter(**criteria: dict[str, Any] | None) -> dict[str, Any]:
    return {field: criterion for field, criterion in criteria.items() if criterion}


def _any(identity: UUID | str | None) -> dict[str, Any] | None:
    return {"any_": [str(identity)]} if identity else None


def _like(text: str | None) -> dict[str, Any] | None:
    return {"like_": text} if text else None


def _age(run: FlowRun | TaskRun) -> tuple[bool, Any]:
    start = run.start_time or run.expected_start_time
    return start is None, start


@contextmanager
def _settings(api_url: str, home: Path) -> Generator[None]:
    import prefect.context
    from prefect import settings

    updates: dict[Any, Any] = {settings.PREFECT_API_URL: api_url, settings.PREFECT_HOME: home}
    if heartbeat := getattr(settings, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY", None):
        # Leaving a flow waits for the thread of its heartbeat, which sleeps for a second.
        updates[heartbeat] = None
    with ExitStack() as stack:
        stack.enter_context(settings.temporary_settings(updates))
        # Coroutines may run in a context that was copied before this one was entered.
        if everywhere := getattr(prefect.context, "_temporary_global_settings_context", None):
            stack.enter_context(everywhere(prefect.context.get_settings_context()))
        yield


class _PresentStderr:
    """Writes to whatever `sys.stderr` is at the time: pytest's capturing replaces and closes it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


def _log_to_the_present_stderr() -> None:
    from prefect.logging.handlers import PrefectConsoleHandler

    loggers = [logging.getLogger(name) for name in (None, *logging.root.manager.loggerDict)]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        # Not put back: by then the stream that Prefect found when it was imported may be closed.
        if isinstance(handler, PrefectConsoleHandler):
            stream = cast("TextIO", _PresentStderr())
            handler.stream = handler.console.file = stream


def _drain() -> None:
    """Let what is still to be reported reach the server, in bounded time."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=DRAIN_TIMEOUT)
