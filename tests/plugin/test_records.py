"""`task_runs`, with a server that says what these tests make it say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

httpx = pytest.importorskip("httpx")
pytest.importorskip("prefect")

from prefect.events import Event, emit_event  # noqa: E402 - only if it is there
from prefect.events.clients import AssertingEventsClient  # noqa: E402
from prefect.events.worker import EventsWorker  # noqa: E402

from pytest_prefectx.server import client, prefect_threads  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx.server.client import PrefectServer

START = datetime(2024, 1, 1, tzinfo=UTC)
UNAVAILABLE = httpx.Response(503)


def reported(name: str, second: int = 0, identity: str = "") -> Event:
    """Return what Prefect sends when a task run gets a state."""
    return Event.model_validate(
        {
            "event": "prefect.task-run.Completed",
            "occurred": START + timedelta(seconds=second),
            "resource": {
                "prefect.resource.id": f"prefect.task-run.{identity or uuid4()}",
                "prefect.resource.name": name,
                "prefect.orchestration": "client",
            },
            "payload": {
                "validated_state": {"type": "COMPLETED", "name": "Completed"},
                "task_run": {"name": name, "task_key": "key", "dynamic_key": "0"},
            },
        }
    )


def recorded(event: Event, *, state: bool = True, early: int = 0) -> dict[str, Any]:
    """Return the task run of the event as the server has it once it has recorded that."""
    timestamp = (event.occurred - timedelta(seconds=early)).isoformat()
    return {
        "id": event.resource.id.removeprefix("prefect.task-run."),
        "name": event.resource.name,
        "task_key": "key",
        "dynamic_key": "0",
        "state_id": str(event.id),
        "state": {"type": "COMPLETED", "name": "Completed", "timestamp": timestamp}
        if state
        else None,
    }


def server_that_answers(
    reports: prefect_threads.PendingReports, *answers: object
) -> tuple[client.PrefectServer, list[Any]]:
    """Return a server that gives these answers, the last one for ever, and what it was asked."""
    asked: list[Any] = []

    def answer(request: Any) -> object:
        asked.append(json.loads(request.content))
        given = answers[min(len(asked), len(answers)) - 1]
        return given if isinstance(given, httpx.Response) else httpx.Response(200, json=given)

    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://nowhere/api")
    return client.PrefectServer("http://nowhere", http, reports), asked


@pytest.fixture
def reports() -> prefect_threads.PendingReports:
    return prefect_threads.PendingReports()


@pytest.mark.parametrize(
    "unfinished",
    [
        lambda first, last: [],
        lambda first, last: [recorded(last)],
        lambda first, last: [recorded(last), recorded(first, early=1)],
        lambda first, last: [recorded(last), recorded(first, state=False)],
    ],
    ids=["nothing", "only the last", "an earlier state", "a run without its state"],
)
def test_all_that_was_reported_is_waited_for_in_whatever_order_it_is_recorded(
    reports: prefect_threads.PendingReports, unfinished: Callable[[Event, Event], list[Any]]
) -> None:
    """The server writes a batch in steps, and one that fails again after later ones."""
    first, last = reported("first"), reported("last")
    reports.note(first)
    reports.note(last)
    whole = [recorded(first), recorded(last)]
    server, asked = server_that_answers(reports, unfinished(first, last), whole)
    assert {run.name for run in server.task_runs()} == {"first", "last"}
    assert len(asked) == 3


def test_what_was_seen_is_not_asked_for_again(reports: prefect_threads.PendingReports) -> None:
    event = reported("once")
    reports.note(event)
    server, asked = server_that_answers(reports, [recorded(event)])
    server.task_runs()
    server.task_runs()
    named = [question.get("task_runs") for question in asked]
    assert [bool(names) for names in named] == [True, False, False]


def test_only_the_last_state_that_was_reported_counts(
    reports: prefect_threads.PendingReports,
) -> None:
    """That it comes from another process is as good, if it is later."""
    identity = str(uuid4())
    reports.note(reported("run", 1, identity))
    reports.note(reported("run", 2, identity))
    theirs = recorded(reported("run", 3, identity))
    server, asked = server_that_answers(reports, [recorded(reported("run", 1, identity))], [theirs])
    assert [run.state.timestamp.second for run in server.task_runs() if run.state] == [3]
    assert len(asked) == 3


def test_a_state_that_is_written_after_its_run_is_waited_for(
    reports: prefect_threads.PendingReports,
) -> None:
    """So it is with those of other processes, of which nothing is known here."""
    theirs = reported("theirs")
    without, whole = [recorded(theirs, state=False)], [recorded(theirs)]
    server, _ = server_that_answers(reports, without, whole)
    assert [run.state is None for run in server.task_runs()] == [False]


def test_a_locked_database_is_asked_again(reports: prefect_threads.PendingReports) -> None:
    """For a while: no longer than the timeout."""
    event = reported("run")
    server, _ = server_that_answers(reports, UNAVAILABLE, UNAVAILABLE, [recorded(event)])
    assert [run.name for run in server.task_runs()] == ["run"]
    server, _ = server_that_answers(reports, UNAVAILABLE)
    with pytest.raises(TimeoutError, match="was not available"):
        server.task_runs(timeout=0)


def test_what_is_lost_fails_one_test_and_is_named(
    reports: prefect_threads.PendingReports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was reported long ago is given up; what may yet come is not."""
    reports.note(reported("lost"))
    server, _ = server_that_answers(reports, [])
    for _ in range(2):
        with pytest.raises(TimeoutError, match=r"1 task run .* reported, such as lost"):
            server.task_runs(timeout=0)
    monkeypatch.setattr(prefect_threads, "LOST_AFTER", -1)
    with pytest.raises(TimeoutError, match="lost"):
        server.task_runs(timeout=0)
    assert server.task_runs(timeout=0) == []


def test_pages_that_shift_while_they_are_read_count_once(
    reports: prefect_threads.PendingReports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is recorded between two pages moves another to the next one again."""
    monkeypatch.setattr(client, "PAGE", 2)
    runs = [recorded(reported(name)) for name in "abc"]
    server, asked = server_that_answers(reports, runs[:2], runs[1:], [])
    assert sorted(run.name for run in server.task_runs()) == ["a", "b", "c"]
    assert [question["offset"] for question in asked] == [0, 2, 4]


def test_events_that_go_elsewhere_are_not_waited_for(prefect_server: PrefectServer) -> None:
    """Neither what Prefect's own test helpers keep to themselves nor any other kind of event."""
    with prefect_threads.track_reports() as reports:
        emit_event("mine", resource={"prefect.resource.id": "prefect.task-run.mine"})
        EventsWorker.instance(AssertingEventsClient).send(reported("theirs"))
        assert reports.pending() == []
        EventsWorker.instance().send(event := reported("ours"))
        assert f"prefect.task-run.{reports.pending()[0]}" == event.resource.id
