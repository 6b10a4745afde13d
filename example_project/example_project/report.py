"""What the person at the terminal sees: the progress bar, the year's table, and what each task did."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from example_project.ledger import total
from example_project.table import by_month, worst_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from example_project.ledger import Entry
    from example_project.table import Period, Summary

NOTHING: Final = "-"
WORST: Final = 5
WIDTH: Final = 100


def progress(days: Sequence[str]) -> Iterable[str]:
    """Yield the days, with a bar on the terminal's standard error; silent where there is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield from bar.track(days, description="days")


def print_year(rows: list[Summary]) -> None:
    """Print one line a month and one for each of the worst days: the same in every mode."""
    _print(
        _periods("By month", "month", by_month(rows)),
        _periods("The worst days", "day", worst_days(rows, WORST)),
    )


def print_work(entries: dict[str, Entry]) -> None:
    """Print what each task did and where its outputs lie."""
    table = _table("What was done", "task")
    for name in ("calls", "ran", "skipped", "seconds", "bytes"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outputs", overflow="fold")
    for name, entry in entries.items():
        table.add_row(name, *_counts(entry), _place(entry))
    table.add_section()
    table.add_row("all", *_counts(total(entries.values())), "")
    _print(table)


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


def _counts(entry: Entry) -> tuple[str, str, str, str, str]:
    size = decimal(entry.size) if entry.outputs else NOTHING
    return f"{entry.calls:,}", f"{entry.ran:,}", f"{entry.skipped:,}", f"{entry.seconds:.2f}", size


def _place(entry: Entry) -> str:
    """Return the one file or the folder where a task's outputs lie, seen from here."""
    folders = sorted({path.parent for path in entry.outputs})
    if not folders:
        return NOTHING
    if len(entry.outputs) == 1:
        return _relative(*entry.outputs)
    return ", ".join(f"{_relative(folder)}/" for folder in folders)


def _relative(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _print(*tables: Table) -> None:
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = WIDTH  # the same text in a pipe, whatever the terminal
    for table in tables:
        console.print(table, "")
