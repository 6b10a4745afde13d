"""That it is the same program in every mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from pytest_prefectx import assert_modes_agree, given_modes

from example_project.flows import delays
from example_project.tasks import extract, take_month

if TYPE_CHECKING:
    from datetime import date

DAYS = st.dates(min_value=pd.Timestamp(2013, 1, 1).date(), max_value=pd.Timestamp(2013, 12, 31).date())
AIRPORTS = st.sampled_from(["EWR", "JFK", "LGA"])


@pytest.mark.prefectx("cache", "prefect.cache")
def test_a_day_is_the_same_in_every_mode() -> None:
    """Cold, warm, and with some of its targets lost."""
    assert_modes_agree(delays, 1)


@given_modes(day=DAYS, airport=AIRPORTS)
@settings(max_examples=10)
def test_a_day_is_taken_out_of_its_month(day: date, airport: str) -> Any:  # noqa: ANN401 - of any mode
    """Two airports, or two months, never share a target."""
    flights = pd.DataFrame(
        {"month": [day.month, day.month, 13], "day": [day.day] * 3, "origin": [airport, "XXX", airport]}
    )
    return extract(take_month(flights, day.month), str(day), airport)
