"""Prefect's threads and the global `random`, which hypothesis watches."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("prefect")

from prefect.events.clients import PrefectEventsClient
from prefect.utilities.math import clamped_poisson_interval
from websockets.asyncio import connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx.server.client import PrefectServer


async def ping() -> None:
    """Do what Prefect's threads do to report: connect, and make sure of it by a ping."""
    async with PrefectEventsClient():
        pass


def test_a_ping_leaves_the_global_random_alone(prefect_server: PrefectServer) -> None:
    """It takes its payload from another generator, nor does the pause before a new attempt."""
    before, own = random.getstate(), connection.random.getstate()
    asyncio.run(ping())
    clamped_poisson_interval(1)
    assert random.getstate() == before
    assert connection.random.getstate() != own


@st.composite
def numbers_drawn_during_a_ping(draw: Callable[..., int]) -> int:
    asyncio.run(ping())
    return draw(st.integers())


@given(number=numbers_drawn_during_a_ping())
@settings(max_examples=2, deadline=None)
def test_hypothesis_does_not_blame_the_strategy(prefect_server: PrefectServer, number: int) -> None:
    """Warnings are errors here: hypothesis would warn of `random` being used while it draws."""
    assert isinstance(number, int)
