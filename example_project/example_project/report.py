"""The tables that the command line prints; what each task did is prefectx's own to say."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.table import Table

from example_project.table import by_month, worst_days

if TYPE_CHECKING:
    from example_project.table import Period, Summary

NOTHING: Final = "-"
WORST: Final = 5
WIDTH: Final = 100


def print_year(rows: list[Summary]) -> None:
    """Print one line a month and one for each of the worst days: the same in every mode."""
    _print(
        _periods("By month", "month", by_month(rows)),
        _periods("The worst days", "day", worst_days(rows, WORST)),
    )


def _periods(title: str, unit: str, periods: list[Period]) -> Table:
    table = _table(title, unit)
    for name in ("flights", "cancelled", "mean delay", "worst airport", "mean wind"):
        table.add_column(name, justify="right")
    for period in periods:
        table.add_row(
            period["period"],
            f"{period['flights']:,}",
            f"{period['cancelled']:,}",
            _measured(period["mean_delay"], "min"),
            _measured(period["worst_day_delay"], "min"),
            _measured(period["wind"], "mph"),
        )
    return table


def _table(title: str, first: str) -> Table:
    narrow = (0, 1, 0, 0)  # so that all columns fit into a terminal of 80
    return Table(
        first, title=title, box=box.SIMPLE_HEAD, padding=narrow, show_edge=False, title_justify="left"
    )


def _measured(value: float | None, unit: str) -> str:
    return NOTHING if value is None else f"{value:.2f} {unit}"


def _print(*tables: Table) -> None:
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = WIDTH  # the same text in a pipe, whatever the terminal
    for table in tables:
        console.print(table, "")
