"""The flow: plain Python that calls tasks, the same in every mode."""

from __future__ import annotations

from typing import Any, TypedDict

from prefectx import context, flow

from example_project import tasks
from example_project.data import AIRPORTS, DAYS_IN_YEAR, first_days


class Outcome(TypedDict):
    """What the flow gives back; `prefectx.load` turns it into data in every mode."""

    table: Any
    picture: Any


@flow
def delays(days: int = DAYS_IN_YEAR) -> Outcome:
    """Sum up the first `days` days of 2013, then tabulate and draw them."""
    chosen = first_days(days)
    flights = tasks.read_flights.submit()
    months = {month: tasks.take_month.submit(flights, month) for month in sorted({*map(_month, chosen)})}
    weather = {airport: tasks.read_weather.submit(airport) for airport in AIRPORTS}
    summaries = []
    for day in chosen:
        today = [_chain(months[_month(day)], weather[airport], day, airport) for airport in AIRPORTS]
        # A day at a time: a year's chains at once would only queue up.
        summaries += [summary.result() for summary in today]
    table = tasks.yearly.submit(summaries, days)
    picture = tasks.draw.submit(table, days)
    return Outcome(table=table.result(), picture=picture.result())


def _chain(month: Any, weather: Any, day: str, airport: str) -> Any:  # noqa: ANN401 - futures of any mode
    """Submit the four tasks of one day at one airport."""
    with context(day=day, airport=airport):
        flights = tasks.extract.submit(month, day, airport)
        cleaned = tasks.clean.submit(flights)
        joined = tasks.join_weather.submit(cleaned, weather)
        return tasks.summarise.submit(joined, day, airport)


def _month(day: str) -> int:
    return int(day[5:7])
