"""The picture: departure delay against wind, and the worst days."""

from __future__ import annotations

from itertools import groupby
from statistics import fmean
from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from example_project.data import AIRPORTS
from example_project.table import worst_days

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from example_project.table import Summary

COLOURS: Final = dict(zip(AIRPORTS, ("#0072b2", "#e69f00", "#009e73"), strict=True))
INK: Final = "#222222"
ALARM: Final = "#c8452d"
BIN: Final = 3
"""Width of a wind class, in miles an hour."""
WORST: Final = 12
FEWEST: Final = 10
"""A mean of fewer points than this is noise."""


def figure(table: list[Summary]) -> Figure:
    """Return the figure, ready to save; pyplot's global state is not touched, so any thread may draw."""
    picture = Figure(figsize=(12, 5.4), dpi=130, layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1))
    left, right = picture.subplots(1, 2, width_ratios=[1.25, 1])
    _scatter(left, table)
    _bars(right, table)
    first, last = table[0]["day"], table[-1]["day"]
    picture.suptitle(
        f"Departures from New York, {first} to {last}",
        x=0.01,
        ha="left",
        fontsize=14,
        weight="bold",
        color=INK,
    )
    return picture


def _scatter(axes: Axes, table: list[Summary]) -> None:
    for airport, colour in COLOURS.items():
        points = _points([row for row in table if row["airport"] == airport])
        x, y = [wind for wind, _ in points], [delay for _, delay in points]
        axes.scatter(x, y, s=14, color=colour, alpha=0.45, linewidths=0, label=airport)
    if classes := _wind_classes(_points(table)):
        x, y = [wind for wind, _ in classes], [delay for _, delay in classes]
        axes.plot(
            x, y, color=INK, linewidth=2, marker="o", markersize=5, label=f"mean, by steps of {BIN} mph"
        )
    axes.axhline(0, color="#999999", linewidth=0.8, zorder=0)
    _plain(axes, "Delay against wind: each dot is one day at one airport")
    axes.set_xlabel("mean wind (mph)")
    axes.set_ylabel("mean departure delay (minutes)")
    axes.legend(frameon=False, loc="upper right", fontsize=9)


def _bars(axes: Axes, table: list[Summary]) -> None:
    days = worst_days(table, WORST)[::-1]
    delays = [day["mean_delay"] or 0.0 for day in days]
    bars = axes.barh([day["period"] for day in days], delays, color=ALARM, height=0.72)
    notes = [
        f"{delay:.0f} min · {day['cancelled']} of {day['flights']} cancelled"
        for day, delay in zip(days, delays, strict=True)
    ]
    axes.bar_label(bars, notes, padding=4, fontsize=8.5, color=INK)
    axes.set_xlim(0, max([*delays, 1.0]) * 1.55)
    _plain(axes, "The worst days: mean delay at all three airports")
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="both", length=0)
    axes.set_xticks([])


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10.5, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)


def _points(rows: list[Summary]) -> list[tuple[float, float]]:
    """Return wind and delay where both were measured, by wind."""
    return sorted(
        (row["wind"], row["mean_delay"])
        for row in rows
        if row["wind"] is not None and row["mean_delay"] is not None
    )


def _wind_classes(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the middle and the mean delay of each class of wind with enough points in it."""
    classes = [
        (number, list(group)) for number, group in groupby(points, key=lambda point: int(point[0] // BIN))
    ]
    return [
        ((number + 0.5) * BIN, fmean(delay for _, delay in group))
        for number, group in classes
        if len(group) >= FEWEST
    ]
