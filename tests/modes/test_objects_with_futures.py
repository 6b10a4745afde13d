"""Futures in objects that have an `__init__` of their own, and exceptions of what has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from holders import contents, fail, first, holders_of, late, look, looking, unwrapping
from prefect.task_runners import ProcessPoolTaskRunner

from prefectx import allow_failure, flow, load

if TYPE_CHECKING:
    from pytest_prefectx import Targets

# Mode `prefect` does as Prefect: it gives other data, or an error.
pytestmark = [
    pytest.mark.prefectx("function", "cache", "prefect.skip", "prefect.cache"),
    pytest.mark.usefixtures("tmp_target"),
]


@flow
def tasks() -> object:
    return [load(look.submit(holder)) for holder in holders_of(late.submit(1))]


@flow
def errors() -> list[str]:
    given = [load(look.submit(holder)) for holder in holders_of(allow_failure(fail.submit(1)))]
    return [repr(found) for found in given]


@flow
def failing() -> list[str]:
    bad = fail.submit(1)
    found: list[Any] = [error_of(look.submit(bad)), error_of(first.submit([]))]
    return found + [error_of(look.submit(holder)) for holder in holders_of(bad)]


def error_of(future: Any) -> str:
    future.wait()
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which, the test compares
        future.result()
    return repr(raised.value)


FAILED = "LookupError(1)"
FAILURES = [FAILED, "StopIteration()", *[FAILED] * 4]


def test_a_task_is_given_the_object_with_the_data_in_it() -> None:
    assert tasks() == contents(1)


def test_an_allowed_failure_in_an_object_is_the_exception() -> None:
    expected = [repr(content) for content in contents(LookupError(1))]
    assert errors() == expected


def test_a_subflow_is_given_the_object_with_the_data_in_it() -> None:
    @flow
    def outer() -> object:
        each = [load(looking(holder)) for holder in holders_of(late.submit(1))]
        return each, unwrapping(holders_of(late.submit(2)))

    assert outer() == (contents(1), contents(2))


def test_a_subflow_whose_object_holds_a_failure_raises_it() -> None:
    @flow
    def outer() -> list[str]:
        holders = holders_of(fail.submit(1))
        state = looking(holders[0], return_state=True)
        assert (state.name, state.is_completed()) == ("NotReady", False)
        found: list[str] = []
        for holder in holders:
            with pytest.raises(LookupError) as raised:
                looking(holder)
            found.append(repr(raised.value))
        return found

    assert outer() == [FAILED] * 4


def test_what_fails_raises_its_own_exception_and_so_does_what_needs_it() -> None:
    """Also `StopIteration`, which Prefect's coroutines turn into a `RuntimeError`."""
    assert failing() == FAILURES


@pytest.mark.prefectx("prefect.skip")
def test_a_process_pool_is_given_the_same_and_raises_the_same(tmp_target: Targets) -> None:
    runner = ProcessPoolTaskRunner(max_workers=1)

    @flow(task_runner=runner)
    def both() -> object:
        return tasks.fn(), failing.fn()

    assert both() == (contents(1), FAILURES)


@pytest.mark.prefectx("prefect.skip")
def test_a_late_name_that_cannot_be_made_is_an_error_of_the_run_alone() -> None:
    """A process pool waited for such a run for ever."""

    @flow
    def naming() -> str:
        return error_of(look.submit([late.submit(1), iter([1])]))

    assert "UnsupportedValue" in naming()
