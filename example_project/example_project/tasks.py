"""The tasks. Each says where its output is kept; none knows who runs it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from prefectx import task

from example_project import data
from example_project.table import Summary, by_day_and_airport

if TYPE_CHECKING:
    import pandas as pd

FASTEST_WIND = 100.0
"""Miles an hour; one reading of 1,048 is not the weather's."""

daily = task(target="working/{funcname}/{day}-{airport}")
"""For the tasks of one day at one airport: `day` and `airport` come from the call or from `context`."""


@task(target="working/{funcname}/2013")
def read_flights() -> pd.DataFrame:
    """Read the year's flights."""
    return data.flights()


@task(target="working/{funcname}/2013-{month:02}")
def take_month(flights: pd.DataFrame, month: int) -> pd.DataFrame:
    """Take one month out of the year, so that a day is not looked for among all of them."""
    return flights[flights["month"] == month].reset_index(drop=True)


@task(target="working/{funcname}/{airport}")
def read_weather(airport: str) -> pd.DataFrame:
    """Read one airport's hourly weather, without readings that cannot be."""
    weather = data.weather()
    weather["wind_speed"] = weather["wind_speed"].where(weather["wind_speed"] < FASTEST_WIND)
    return weather[weather["origin"] == airport].drop(columns="origin").reset_index(drop=True)


@daily
def extract(month: pd.DataFrame, day: str, airport: str) -> pd.DataFrame:
    """Take one day's flights from one airport."""
    chosen = (month["day"] == int(day[-2:])) & (month["origin"] == airport)
    return month[chosen].reset_index(drop=True)


@daily
def clean(flights: pd.DataFrame) -> pd.DataFrame:
    """Keep the delay, and whether the flight was cancelled, in the order of departure."""
    cancelled = flights["dep_time"].isna()
    kept = flights[["sched_dep_time", "time_hour", "dep_delay"]].assign(cancelled=cancelled)
    return kept.sort_values("sched_dep_time", kind="stable", ignore_index=True)


@daily
def join_weather(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Give each flight the weather of its hour."""
    return flights.merge(weather, on="time_hour", how="left")


@daily(target="working/{funcname}/{day}-{airport}.json")
def summarise(flights: pd.DataFrame, day: str, airport: str) -> Summary:
    """Sum up one day at one airport."""
    hours = flights.drop_duplicates("time_hour")
    return Summary(
        day=day,
        airport=airport,
        flights=len(flights),
        cancelled=int(flights["cancelled"].sum()),
        mean_delay=_number(flights["dep_delay"].mean()),
        median_delay=_number(flights["dep_delay"].median()),
        wind=_number(flights["wind_speed"].mean()),
        gust=_number(flights["wind_gust"].max()),
        rain=_number(hours["precip"].sum(min_count=1)),
    )


@task(target="out/yearly-{days}.json")
def yearly(summaries: list[Summary], days: int) -> list[Summary]:  # noqa: ARG001 - the target names it
    """Put the year's table together."""
    return by_day_and_airport(summaries)


@task(store=None, target="out/delay-{days}.png")
def draw(table: list[Summary], days: int) -> str:
    """Draw departure delay against wind, and the worst days; this task writes its target itself."""
    from example_project.plot import figure  # noqa: PLC0415 - matplotlib is slow to import, and most runs skip this

    path = Path(f"out/delay-{days}.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure(table).savefig(path)
    return str(path)


def _number(value: float) -> float | None:
    """Return a plain number that JSON can keep: no numpy, no NaN."""
    return None if math.isnan(value) else round(float(value), 2)
