"""The yearly table: one row a day and airport, and what a reader wants to see of it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable


class Summary(TypedDict):
    """One day at one airport; None where nothing was measured."""

    day: str
    airport: str
    flights: int
    cancelled: int
    mean_delay: float | None
    """Minutes, over the flights that left; flights that left early count as negative."""
    median_delay: float | None
    wind: float | None
    """Mean wind, in miles an hour, over the flights."""
    gust: float | None
    """Strongest gust, in miles an hour."""
    rain: float | None
    """Precipitation in the hours with flights, in inches."""


class Period(TypedDict):
    """A month or a day at all airports together."""

    period: str
    flights: int
    cancelled: int
    mean_delay: float | None
    wind: float | None
    worst_day_delay: float | None
    """The largest mean delay of one day at one airport."""


def by_day_and_airport(rows: Iterable[Summary]) -> list[Summary]:
    """Return the rows in the table's order."""
    return sorted(rows, key=lambda row: (row["day"], row["airport"]))


def by_month(rows: Iterable[Summary]) -> list[Period]:
    """Return one line a month."""
    return _periods(rows, len("2013-01"))


def worst_days(rows: Iterable[Summary], count: int) -> list[Period]:
    """Return the `count` days with the largest mean delay, the worst first."""
    days = [day for day in _periods(rows, len("2013-01-01")) if day["mean_delay"] is not None]
    return sorted(days, key=lambda day: (-(day["mean_delay"] or 0.0), day["period"]))[:count]


def _periods(rows: Iterable[Summary], length: int) -> list[Period]:
    groups = groupby(by_day_and_airport(rows), key=lambda row: row["day"][:length])
    return [_period(name, list(group)) for name, group in groups]


def _period(name: str, rows: list[Summary]) -> Period:
    return Period(
        period=name,
        flights=sum(row["flights"] for row in rows),
        cancelled=sum(row["cancelled"] for row in rows),
        mean_delay=_mean((row["mean_delay"], row["flights"] - row["cancelled"]) for row in rows),
        wind=_mean((row["wind"], row["flights"]) for row in rows),
        worst_day_delay=max(
            (row["mean_delay"] for row in rows if row["mean_delay"] is not None), default=None
        ),
    )


def _mean(weighted: Iterable[tuple[float | None, int]]) -> float | None:
    """Return the weighted mean of what was measured."""
    known = [(value, weight) for value, weight in weighted if value is not None]
    total = sum(weight for _, weight in known)
    return round(sum(value * weight for value, weight in known) / total, 2) if total else None
