"""Templates that cannot be rendered for a call; cold, each: `function` does not render them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from specimens import Defect

from prefectx import context, flow, task

if TYPE_CHECKING:
    from collections.abc import Iterator


@task(target="working/{day}/{funcname}/{site}")
def rain(site: str, date: str) -> str:
    return f"{site} {date}"


# an argument that was renamed.
@flow
def site_rain() -> str:
    return rain("north", "2024-05-01")


@task(target="working/{version}/{funcname}/{site}")
def model(site: str) -> str:
    return f"model of {site}"


# a name of the context that is set around one call only.
@flow
def models() -> list[str]:
    with context(version="v1"):
        north = model("north")
    return [north, model("south")]


@dataclass(frozen=True)
class Station:
    name: str


@task(target="working/{funcname}/{station.name}")
def station_title(station: Station | None) -> str:
    return "no station" if station is None else station.name.title()


# an attribute that None does not have.
@flow
def station_titles() -> list[str]:
    return [station_title(Station("north")), station_title(None)]


@task(target="working/{funcname}/{day:%Y-%m-%d}")
def weekday(day: Any) -> str:
    day = datetime.date.fromisoformat(day) if isinstance(day, str) else day
    return f"{day:%A}"


# the format of a date, for a date given as text.
@flow
def weekdays() -> list[str]:
    return [weekday(datetime.date(2024, 5, 1)), weekday("2024-05-02")]


@task(target="queries/{query}")
def first_word(query: str) -> str:
    return query.split(maxsplit=1)[0]


# a value too long for the name of a file.
@flow
def query_kind(columns: int) -> str:
    return first_word("SELECT " + ", ".join(f"column_{number}" for number in range(columns)))


@task(target="working/{funcname}/{path}")
def extension(path: str) -> str:
    return path.rpartition(".")[2]


# a value that leads out of the folder.
@flow
def extensions() -> list[str]:
    return [extension("rain.dat"), extension("../shared/wind.tsv")]


@task
def kept(rows: Iterator[int]) -> list[int]:
    return [row for row in rows if row > 0]


# the default base, for an argument of which no name can be made: an iterator.
@flow
def positive_rows() -> list[int]:
    return kept(iter([1, -2, 3]))


DEFECTS = [
    Defect(site_rain, "template", ("rain", "day")),
    Defect(models, "template", ("model", "version")),
    Defect(station_titles, "template", ("station_title", "station.name")),
    Defect(weekdays, "template", ("weekday", "%Y-%m-%d")),
    Defect(query_kind, "template", ("first_word", "query"), [(40,)]),
    Defect(extensions, "template", ("extension", "..")),
    Defect(positive_rows, "template", ("kept", "iterator")),
]
