"""Thousands of futures: their memory, and how their end is noticed."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from prefect.states import Completed
from simple_tasks import double

from prefectx import use_mode
from prefectx.dask.done_event import DoneEvent
from prefectx.dask.future import DaskFuture
from prefectx.dask.outcome import LocalOutcome, PickledOutcome
from prefectx.dask.serialize import dumps

if TYPE_CHECKING:
    from pytest_prefectx import Targets


def settled(data: object) -> DaskFuture:
    running: Any = object()
    future = DaskFuture(uuid.uuid4(), running)
    future.settle(PickledOutcome(dumps(Completed(data=data))))
    return future


def test_an_item_is_kept_as_bytes_also_when_it_was_asked_for(tmp_target: Targets) -> None:
    with use_mode("cache"):
        future = settled(double(2))
    assert future.result().load() == 4
    assert isinstance(future._outcome, PickledOutcome)
    assert future.on_workers is None


def test_data_stays_one_object_so_that_changes_are_seen() -> None:
    future = settled([1])
    future.result().append(2)
    assert future.result() == [1, 2]
    assert isinstance(future._outcome, LocalOutcome)


def test_who_waits_is_told_of_the_end() -> None:
    ending = DoneEvent()
    told: list[DoneEvent] = []
    ending.add_done_callback(told.append)
    waiting = threading.Thread(target=ending.result)
    waiting.start()
    assert not ending.done()
    ending.set()
    waiting.join(60)
    assert not waiting.is_alive()
    ending.add_done_callback(told.append)
    assert told == [ending, ending]


def test_waiting_for_an_end_that_does_not_come_times_out() -> None:
    with pytest.raises(TimeoutError):
        DoneEvent().result(timeout=0)


def test_a_callback_that_fails_keeps_no_other_from_being_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ending = DoneEvent()
    told: list[DoneEvent] = []
    ending.add_done_callback(lambda _: 1 / 0)
    ending.add_done_callback(told.append)
    ending.set()
    assert told == [ending]
    assert "a callback of a future failed" in caplog.text
