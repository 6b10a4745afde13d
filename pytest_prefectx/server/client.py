"""The connection of this process to the ephemeral server, and queries of its records."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pytest_prefectx.server.prefect_threads import (
    drain,
    log_to_current_stderr,
    private_random,
    track_reports,
)
from pytest_prefectx.server.server import wait_for_url
from pytest_prefectx.session import environment, isolated_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path
    from uuid import UUID

    import httpx
    from prefect.client.schemas.objects import FlowRun, TaskRun

    from pytest_prefectx.server.prefect_threads import PendingReports
    from pytest_prefectx.server.server import Server

PAGE: Final = 200
POLL: Final = 0.05
SERVICE_UNAVAILABLE: Final = 503


@contextmanager
def connect(folder: Path, server: Server | None) -> Generator[PrefectServer]:
    """Connect Prefect, in this process and its children, to the server in `folder`.

    Args:
        folder: The folder of the server and of the client's files.
        server: The server, if this process has started it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(environment(isolated_environment(folder)))
        # After the isolation, because Prefect reads the environment at its import; and before
        # the wait, because the import takes as long as the server's start. This module sets up
        # Prefect's logging; later, it would use a stream that a test has captured.
        import_module("prefect.main")
        import httpx

        url = wait_for_url(folder, server)
        api_url = f"{url}/api"
        stack.enter_context(environment({"PREFECT_API_URL": api_url}))
        stack.enter_context(_settings(api_url, folder))
        log_to_current_stderr()
        http = stack.enter_context(httpx.Client(base_url=api_url, timeout=60))
        stack.enter_context(private_random())
        reports = stack.enter_context(track_reports())
        stack.callback(drain)
        yield PrefectServer(url, http, reports)


class PrefectServer:
    """A real, isolated Prefect server.

    Attributes:
        url: Its address, such as `http://127.0.0.1:41234`.
        api_url: The address of its API: the value of `PREFECT_API_URL`.
    """

    def __init__(self, url: str, http: httpx.Client, reports: PendingReports) -> None:
        self.url: Final = url
        self.api_url: Final = f"{url}/api"
        self._http: Final = http
        self._reports: Final = reports

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
        """Return the flow runs in the server's records, the oldest first.

        Args:
            flow_run_id: The id of a flow run.
            name: A part of the flow runs' names.
            flow_name: The name of a flow.
            expect: The minimal number of flow runs to wait for.
            timeout: The maximal time to wait, in seconds.

        Raises:
            TimeoutError: There were fewer than expected after that time.
        """
        from prefect.client.schemas.objects import FlowRun

        deadline = time.monotonic() + timeout
        filters: dict[str, Any] = {}
        if flow_run_id or name:
            filters["flow_runs"] = _filter(id=_any(flow_run_id), name=_like(name))
        if flow_name:
            filters["flows"] = {"name": {"any_": [flow_name]}}
        if expect is not None:
            self._wait_for("flow_runs", filters, expect, deadline)
        found = self._read("flow_runs", filters, deadline)
        return sorted(map(FlowRun.model_validate, found), key=_age)

    def task_runs(
        self,
        flow_run_id: UUID | str | None = None,
        *,
        name: str | None = None,
        expect: int | None = None,
        timeout: float = 60,
    ) -> list[TaskRun]:
        """Return the task runs in the server's records, the oldest first.

        Prefect reports task runs in the background. The call waits for all reports of this process,
        so an empty list means that there was none. For reports of other processes (process pools,
        Dask workers), set the number to `expect`.

        Args:
            flow_run_id: The id of their flow run.
            name: A part of the task runs' names.
            expect: The minimal number of task runs in a final state to wait for.
            timeout: The maximal time to wait, in seconds.

        Raises:
            TimeoutError: There were fewer than expected after that time, or the server has stopped
                recording.
        """
        deadline = time.monotonic() + timeout
        self._wait_for_reports(deadline)
        filters: dict[str, Any] = {}
        if flow_run_id:
            filters["flow_runs"] = _filter(id=_any(flow_run_id))
        if name:
            filters["task_runs"] = _filter(name=_like(name))
        if expect is not None:
            final = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]}}}
            ended = filters | {"task_runs": filters.get("task_runs", {}) | final}
            self._wait_for("task_runs", ended, expect, deadline)
        return sorted(self._whole_task_runs(filters, deadline), key=_age)

    def _wait_for_reports(self, deadline: float) -> None:
        """Wait until the server has recorded all task runs that this process has reported."""
        from prefect.client.schemas.objects import TaskRun

        while pending := self._reports.pending(PAGE):
            filters = {"task_runs": _filter(id={"any_": pending})}
            found = self._read("task_runs", filters, deadline)
            if not self._reports.mark_recorded(map(TaskRun.model_validate, found)):
                self._pause(deadline, "did not record in time", self._reports.give_up)

    def _whole_task_runs(self, filters: dict[str, Any], deadline: float) -> list[TaskRun]:
        from prefect.client.schemas.objects import TaskRun

        while True:
            found = self._read("task_runs", filters, deadline)
            runs = [TaskRun.model_validate(run) for run in found]
            # The server writes the runs first and their states a moment later.
            if all(run.state or not run.state_id for run in runs):
                return runs
            self._pause(deadline, "recorded task runs without their states")

    def _wait_for(self, kind: str, filters: dict[str, Any], expect: int, deadline: float) -> None:
        while (count := self._post(f"/{kind}/count", filters, deadline)) < expect:
            self._pause(deadline, f"has {count} {kind} of {expect} expected ones for {filters}")

    def _read(self, kind: str, filters: dict[str, Any], deadline: float) -> list[dict[str, Any]]:
        # By id, because new records come first and move others to the next page.
        found: dict[str, dict[str, Any]] = {}
        query, offset = filters | {"sort": "ID_DESC", "limit": PAGE}, 0
        while page := self._post(f"/{kind}/filter", query | {"offset": offset}, deadline):
            found |= {run["id"]: run for run in page}
            offset += len(page)
            if len(page) < PAGE:
                break
        return list(found.values())

    def _post(self, path: str, body: dict[str, Any], deadline: float) -> Any:
        while True:
            response = self._http.post(path, json=body)
            # Another process may have locked the database for too long.
            if response.status_code != SERVICE_UNAVAILABLE:
                return response.raise_for_status().json()
            self._pause(deadline, f"was not available for {path}")

    def _pause(self, deadline: float, reason: str, detail: Callable[[], str] | None = None) -> None:
        if time.monotonic() > deadline:
            msg = f"{self.api_url} {reason}{f': {detail()}' if detail else ''}"
            raise TimeoutError(msg)
        time.sleep(POLL)


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
        # The end of a flow waits for its heartbeat's thread, which sleeps for a second.
        updates[heartbeat] = None
    nobodys = settings.Profile(name="prefectx", settings={})
    with ExitStack() as stack:
        # If Prefect was imported before the isolation, it uses the user's own profile.
        stack.enter_context(prefect.context.use_profile(nobodys, include_current_context=False))
        stack.enter_context(settings.temporary_settings(updates))
        # Coroutines may run in an older copy of the context.
        if everywhere := getattr(prefect.context, "_temporary_global_settings_context", None):
            stack.enter_context(everywhere(prefect.context.get_settings_context()))
        yield
