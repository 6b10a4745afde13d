"""Targets that do not tell calls apart: one call is given another one's output."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import numpy as np
from specimens import Defect

from prefectx import context, flow, load, task


@task(target="working/rain.json")
def rain_table(day: str) -> list[str]:
    return [day, "rain"]


# constant template; second call: monday's table.
@flow
def rain_of(day: str) -> list[str]:
    return rain_table(day)


@task(target="working/{funcname}/{base}", base="{site[:5]}")
def site_report(site: str) -> str:
    return f"report of {site}"


# base too short; cold, within one run.
@flow
def site_reports() -> list[str]:
    return load(site_report.map(["north", "northwest"]))


@task(target="genes/{gene.lower()}.txt")
def sequence(gene: str) -> str:
    return f"sequence of {gene}"


# folded case; cold: the gene of the mouse and that of man.
@flow
def sequences() -> list[str]:
    return [sequence("Abl1"), sequence("ABL1")]


@task(target="working/{funcname}/{key}")
def row_of(key: int | str) -> str:
    return f"row {key!r}"


# 1 and "1"; cold.
@flow
def rows_by_key() -> list[str]:
    return [row_of(1), row_of("1")]


@task(target="working/{funcname}/{abs(angle)}")
def direction(angle: float) -> float:
    return float(np.arctan2(angle, -1.0))


# 0.0 and -0.0; cold: pi and -pi.
@flow
def directions() -> list[float]:
    return [direction(0.0), direction(-0.0)]


@task(target="working/{funcname}/{cell}")
def cell_type(cell: float | str) -> str:
    return type(cell).__name__


# nan and "nan"; cold.
@flow
def cell_types() -> list[str]:
    return [cell_type(float("nan")), cell_type("nan")]


@task(target="working/{funcname}/{threshold:.1f}")
def above(threshold: float) -> list[float]:
    return [value for value in (0.11, 0.13, 0.15) if value > threshold]


# rounding; second call: what is above 0.12.
@flow
def values_above(threshold: float) -> list[float]:
    return above(threshold)


@task(target="working/{site}.json")
def read_site(site: str) -> list[int]:
    return [3, 1, 2]


@task(target="working/{site}.json")
def sort_site(rows: list[int], site: str) -> list[int]:
    return sorted(rows)


# two tasks with one template; cold.
@flow
def sorted_site(site: str) -> list[int]:
    return sort_site(read_site(site), site)


class Rain:
    @staticmethod
    @task
    def unit(country: str) -> str:
        return f"mm in {country}"


class Wind:
    @staticmethod
    @task
    def unit(country: str) -> str:
        return f"m/s in {country}"


# two tasks of one name with the default template; second call: the unit of rain.
@flow
def unit_of(kind: str) -> str:
    return (Rain if kind == "rain" else Wind).unit("Norway")


@task(target="sums/{os.path.basename(path)}.json")
def sum_of(path: str) -> int:
    return sum(map(int, Path(path).read_text().split(",")))


# basename of files in two folders; cold.
@flow
def sums() -> list[int]:
    for folder, text in (("north", "1,2"), ("south", "3,4")):
        os.makedirs(folder, exist_ok=True)
        Path(f"{folder}/may.csv").write_text(text)
    return load(sum_of.map(["north/may.csv", "south/may.csv"]))


@task(target="working/{funcname}/{time:%Y-%m-%d}")
def is_day(time: datetime.datetime) -> bool:
    return 6 <= time.hour < 18


# the day of a time; second call: that of the night.
@flow
def daylight(hour: int) -> bool:
    return is_day(datetime.datetime(2024, 5, 1, hour, tzinfo=datetime.UTC))


@task(target="working/{funcname}/{len(rows)}.json")
def largest(rows: list[int]) -> int:
    return max(rows)


# the number of rows; second call: the largest of other three rows.
@flow
def largest_of(rows: list[int]) -> int:
    return largest(rows)


@task(target="working/{funcname}/{table}.json")
def limits(table: str, columns: tuple[str, ...] = ("rain",)) -> list[str]:
    return [f"{table}.{column}" for column in columns]


# an argument left out of the template; cold.
@flow
def all_limits() -> list[list[str]]:
    return [limits("may"), limits("may", ("rain", "wind"))]


@task
def half(value: float) -> float:
    return value / 2


# context(base=…) around two calls; cold.
@flow
def halves(site: str) -> list[float]:
    with context(base=site):
        return [half(1.0), half(3.0)]


@task(target="working/{funcname}/{name.replace(' ', '_')}")
def initials(name: str) -> list[str]:
    return [word[0] for word in name.split()]


# a name made safe for files; second call: the initials of two words.
@flow
def initials_of(name: str) -> list[str]:
    return initials(name)


@task(target="working/{funcname}/{name}")
def loudest(name: str, signal: np.ndarray) -> float:
    return float(signal.max())


# large data, different in the middle alone; cold, and nobody notices: both are silent.
@flow
def loudest_of_two() -> list[Any]:
    quiet = np.zeros(50_000)
    loud = quiet.copy()
    loud[25_000] = 9.0
    return [loudest("mic", quiet), loudest("mic", loud)]


DEFECTS = [
    Defect(rain_of, "shared-target", ("rain_table", "working/rain.json"), [("mon",), ("tue",)]),
    Defect(site_reports, "shared-target", ("site_report", "working/site_report/north")),
    Defect(sequences, "shared-target", ("sequence", "genes/abl1.txt")),
    Defect(rows_by_key, "shared-target", ("row_of", "working/row_of/1")),
    Defect(directions, "shared-target", ("direction", "working/direction/0.0")),
    Defect(cell_types, "shared-target", ("cell_type", "working/cell_type/nan")),
    Defect(values_above, "shared-target", ("above", "working/above/0.1"), [(0.12,), (0.14,)]),
    Defect(sorted_site, "shared-target", ("read_site", "sort_site", "working/a.json"), [("a",)]),
    Defect(unit_of, "shared-target", ("Rain.unit", "Wind.unit"), [("rain",), ("wind",)]),
    Defect(sums, "shared-target", ("sum_of", "sums/may.csv.json")),
    Defect(daylight, "shared-target", ("is_day", "working/is_day/2024-05-01"), [(12,), (23,)]),
    Defect(
        largest_of,
        "shared-target",
        ("largest", "working/largest/3.json"),
        [([1, 2, 3],), ([4] * 3,)],
    ),
    Defect(all_limits, "shared-target", ("limits", "working/limits/may.json")),
    Defect(halves, "shared-target", ("half", "working/half/north"), [("north",)]),
    Defect(
        initials_of, "shared-target", ("initials", "working/initials/a_b"), [("a b",), ("a_b",)]
    ),
    Defect(loudest_of_two, "shared-target", ("loudest", "working/loudest/mic")),
]
