"""Calls with `wait_for` and `return_state` in a flow in which another call has failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from simple_tasks import double

import prefectx
from prefectx import allow_failure, current_mode, flow, load, task

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx, pytest.mark.usefixtures("tmp_target")]


@task
def fails(value: int) -> int:
    msg = f"no {value}"
    raise ValueError(msg)


@task
async def double_later(value: int) -> int:
    return 2 * value


@task
async def fails_later(value: int) -> int:
    return fails.fn(value)


@flow
def doubled(value: int) -> Any:
    return double(value)


def failures() -> list[str]:
    report = prefectx.last_run()
    assert report is not None
    return [failure.call.rpartition(".")[2] for failure in report.failures]


def test_a_call_that_waits_for_an_allowed_failure_gives_its_result() -> None:
    @flow
    def waits() -> Any:
        failed = fails.submit(1)
        failed.wait()
        return load(double(2, wait_for=[allow_failure(failed)]))

    assert waits() == 4


def test_an_async_call_does_so_too() -> None:
    @flow
    async def waits() -> Any:
        failed = fails.submit(1)
        failed.wait()
        return load(await double_later(2, wait_for=[allow_failure(failed)]))

    assert asyncio.run(waits()) == 4


def test_a_call_that_waits_and_fails_raises_its_own_exception_and_is_named() -> None:
    @flow
    def waits() -> Any:
        return fails(3, wait_for=[double.submit(2)], return_state=False)

    with pytest.raises(ValueError, match="no 3"):
        waits()
    assert failures() == ["fails(value=3)"]


def test_arguments_that_do_not_fit_raise_the_modes_own_error(tmp_target: Targets) -> None:
    @flow
    def wrong() -> Any:
        fits_nothing: Any = double
        return fits_nothing(1, 2, 3)

    with pytest.raises(TypeError) as raised:
        wrong()
    if current_mode() == "prefect":
        assert type(raised.value).__name__ == "ParameterBindError"
    assert tmp_target.items() == []


def test_a_failed_state_of_an_async_call_is_counted_as_a_failure() -> None:
    @flow
    async def states() -> Any:
        first = await fails_later(1, return_state=True)
        second = await double_later(2, return_state=True)
        return first.is_failed(), load(second)

    assert asyncio.run(states()) == (True, 4)
    assert failures() == ["fails_later(value=1)"]


def test_one_future_or_output_may_be_waited_for_without_a_list() -> None:
    @flow
    def waits() -> Any:
        first = double.submit(1)
        direct: Any = double(5)
        return [
            load(double.submit(2, wait_for=first).result()),
            load(double(3, wait_for=first)),
            load(double(4, wait_for=direct)),
            load(double.map([6], wait_for=direct)),
            load(doubled(7, wait_for=direct)),
            load(doubled(8, wait_for=first)),
        ]

    assert waits() == [4, 6, 8, [12], 14, 16]
    # Those that have made their outputs before are Items now.
    assert waits() == [4, 6, 8, [12], 14, 16]
