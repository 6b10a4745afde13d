"""Retries and timeouts, which must not help in one mode alone."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import flow, load, task

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [
    pytest.mark.prefectx("cache", "prefect.skip", "prefect.cache", "prefect"),
    pytest.mark.usefixtures("tmp_target"),
]


class Flaky:
    """Fails as often as it is told to; counts its calls."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures = failures
        self.calls = 0
        self.error = error or ConnectionError("reset by peer")

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return "page"


def test_a_flaky_download_succeeds_within_its_retries(tmp_target: Targets) -> None:
    fetched = Flaky(2)

    @task(retries=2)
    def fetch(url: str) -> str:
        return fetched() + url

    @flow
    def download() -> object:
        return fetch("a"), fetch.submit("a")

    assert load(download()) == ("pagea", "pagea")
    assert fetched.calls == 3 if tmp_target.items() else 4


def test_the_last_failure_is_raised_unchanged() -> None:
    fetched = Flaky(9)

    @task(retries=1, retry_delay_seconds=[0, 0])
    def fetch() -> str:
        return fetched()

    @flow
    def download() -> str:
        return fetch()

    with pytest.raises(ConnectionError, match="reset by peer"):
        download()
    assert fetched.calls == 2


def test_coroutines_are_retried_too() -> None:
    fetched = Flaky(1)

    @task(retries=1, retry_delay_seconds=lambda retries: [0.0] * retries)
    async def fetch() -> str:
        await asyncio.sleep(0)
        return fetched()

    @flow
    async def download() -> str:
        return await fetch()

    assert load(asyncio.run(download())) == "page"
    assert fetched.calls == 2


@pytest.mark.parametrize(("error", "calls"), [(KeyError("a"), 1), (ConnectionError("b"), 2)])
def test_a_condition_says_which_failures_are_tried_again(error: Exception, calls: int) -> None:
    fetched = Flaky(1, error)

    def is_worth_it(task: Any, task_run: object, state: Any) -> bool:
        assert state.is_failed()
        assert task.name == "fetch"
        return isinstance(state.result(raise_on_failure=False), ConnectionError)

    @task(retries=3, retry_condition_fn=is_worth_it)
    def fetch() -> str:
        return fetched()

    @flow
    def download() -> object:
        return fetch(return_state=True)

    download(return_state=True)
    assert fetched.calls == calls


def _sleep_in_pieces() -> None:
    """Sleep for a minute; Prefect's timeouts reach a thread only between two lines of Python."""
    for _ in range(6_000):
        threading.Event().wait(0.01)


def test_a_task_that_takes_longer_than_its_timeout_fails() -> None:
    @task(timeout_seconds=0.2, target=None)
    def wait_here() -> None:
        _sleep_in_pieces()

    @task(timeout_seconds=0.2, target=None)
    async def wait_async() -> None:
        await asyncio.sleep(60)

    @flow
    def waiting() -> None:
        return wait_here()

    @flow
    async def waiting_async() -> None:
        return await wait_async()

    with pytest.raises(TimeoutError):
        waiting()
    with pytest.raises(TimeoutError):
        asyncio.run(waiting_async())


def test_a_timeout_counts_as_a_failure_that_is_tried_again() -> None:
    calls = []

    @task(timeout_seconds=0.3, retries=1)
    def slow_once() -> int:
        calls.append(1)
        if len(calls) == 1:
            _sleep_in_pieces()
        return len(calls)

    @flow
    def twice() -> int:
        return slow_once()

    assert load(twice()) == 2


@pytest.mark.prefectx("cache")
def test_timeouts_hold_in_threads_and_within_one_another() -> None:
    @task(timeout_seconds=0.2, target=None)
    def spin() -> None:
        while True:
            pass

    @task(timeout_seconds=30, target=None)
    def outer() -> str:
        with pytest.raises(TimeoutError, match=r"task 'spin' .* timeout_seconds=0.2"):
            spin()
        return "went on"

    assert outer() == "went on"
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(outer()))
    thread.start()
    thread.join()
    assert seen == ["went on"]


@pytest.mark.prefectx("cache")
def test_nothing_is_kept_of_a_try_that_failed(tmp_target: Targets) -> None:
    fetched = Flaky(1)

    @task(retries=1)
    def fetch() -> str:
        assert tmp_target.items() == []
        return fetched()

    assert load(fetch()) == "page"
    assert len(tmp_target.items()) == 1
