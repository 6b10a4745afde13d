"""Arguments of flows that Prefect converts, or refuses; in `prefect`, each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pydantic import BaseModel
from specimens import Defect

from prefectx import flow, load, task


@task
def twice(value: int) -> int:
    return value * 2


# a text for an int.
@flow
def doubled(value: int) -> int:
    return twice(value)


@task
def kind_of(value: object) -> str:
    return type(value).__name__


# a text for a date.
@flow
def kind_of_day(day: dt.date) -> str:
    return kind_of(day)


class Station(BaseModel):
    name: str
    height: float = 0.0


# a dict for a model.
@flow
def kind_of_station(station: Station) -> str:
    return kind_of(station)


# a list for a set, and a text for a path, in a subflow.
@flow
def kinds(names: set[str], path: Path) -> list[str]:
    return [kind_of(names), kind_of(path)]


@flow
def kinds_within() -> list[str]:
    return load(kinds(["a"], "in/a.csv"))  # type: ignore[call-overload]


# a word for an int, which Prefect refuses.
@flow
def twice_a_word(value: int) -> int:
    return twice(value)


PREFECT = ("function", "prefect")

DEFECTS = [
    Defect(doubled, "converted-argument", ("doubled", "value"), [("3",)], PREFECT),
    Defect(kind_of_day, "converted-argument", ("day",), [("2026-01-31",)], PREFECT),
    Defect(kind_of_station, "converted-argument", ("station",), [({"name": "n"},)], PREFECT),
    Defect(kinds_within, "converted-argument", ("kinds", "names"), modes=PREFECT),
    Defect(twice_a_word, "converted-argument", ("twice_a_word",), [("ab",)], PREFECT),
]
