"""That it is the same program in every mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from prefectx import load
from pytest_prefectx import assert_modes_agree, given_modes

from example_project.flows import delays
from example_project.tasks import extract, take_month

if TYPE_CHECKING:
    from datetime import date

DATES = pd.date_range("2013-01-01", "2013-12-31")
AIRPORTS = ["EWR", "JFK", "LGA"]

FLIGHTS = pd.DataFrame(
    [(date.month, date.day, airport) for date in DATES for airport in AIRPORTS],
    columns=["month", "day", "origin"],
)
"""A flight from each airport on each day."""


@pytest.mark.prefectx("cache", "prefect.cache")
def test_a_day_is_the_same_in_every_mode() -> None:
    """Cold, warm, and with some of its targets lost."""
    assert_modes_agree(delays, 1)


@given_modes(date=st.sampled_from(list(DATES.date)), airport=st.sampled_from(AIRPORTS))
@settings(max_examples=10)
def test_a_day_is_taken_out_of_its_month(date: date, airport: str) -> Any:  # noqa: ANN401 - of any mode
    """Two days, two airports or two months never share a target."""
    chosen = extract(take_month(FLIGHTS, date.month), str(date), airport)
    assert load(chosen).to_numpy().tolist() == [[date.month, date.day, airport]]
    return chosen
