"""Outputs that come back from their file as something else, or that their format refuses."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import pandas as pd
from specimens import Defect

from prefectx import flow, load, task
from prefectx.stores import register_format


def _write_tsv(table: pd.DataFrame, file: IO[bytes]) -> None:
    table.to_csv(file, sep="\t", index=False)


def _read_tsv(file: IO[bytes]) -> pd.DataFrame:
    return pd.read_csv(file, sep="\t")


def _write_f32(array: np.ndarray, file: IO[bytes]) -> None:
    file.write(array.astype("<f4").tobytes())


def _read_f32(file: IO[bytes]) -> np.ndarray:
    return np.frombuffer(file.read(), "<f4")


def _write_stamp(time: datetime.datetime, file: IO[bytes]) -> None:
    file.write(f"{time:%Y-%m-%dT%H:%M:%S}".encode())


def _read_stamp(file: IO[bytes]) -> datetime.datetime:
    return datetime.datetime.fromisoformat(file.read().decode())


register_format(".tsv", load=_read_tsv, dump=_write_tsv)
register_format(".f32", load=_read_f32, dump=_write_f32)
register_format(
    ".num",
    load=lambda file: float(file.read()),
    dump=lambda number, file: file.write(b"%.6g" % number),
)
register_format(".stamp", load=_read_stamp, dump=_write_stamp)
register_format(
    ".js2", load=json.load, dump=lambda value, file: file.write(json.dumps(value).encode())
)


@task(target="out/{site}.tsv")
def read_rain(site: str) -> pd.DataFrame:
    return pd.DataFrame({"rain": [1.0, 2.0]}, index=pd.Index(["mon", "tue"], name="day"))


# index lost; cold: the days are numbers.
@flow
def rain_table(site: str) -> pd.DataFrame:
    return read_rain(site)


@task(target="out/{country}.tsv")
def postcodes(country: str) -> pd.DataFrame:
    return pd.DataFrame({"town": ["Dresden"], "postcode": ["01067"]})


@task
def first_postcode(table: pd.DataFrame) -> str:
    return str(table["postcode"].iloc[0])


# text that reads as a number; cold: 1067.
@flow
def postcode(country: str) -> str:
    return first_postcode(postcodes(country))


@task(target="out/{channel}.f32")
def read_signal(channel: str) -> np.ndarray:
    return np.array([0.1, 0.2])


# float64 narrowed; cold: other type, other numbers.
@flow
def signal(channel: str) -> np.ndarray:
    return read_signal(channel)


@task(target="out/{funcname}.num")
def mean_height() -> float:
    return 1234.56789


# float as text with six digits; cold.
@flow
def rounded_height() -> float:
    return mean_height()


@task(target="out/{funcname}.stamp")
def sunrise() -> datetime.datetime:
    return datetime.datetime(2024, 5, 1, 5, 40, tzinfo=datetime.UTC)


# time zone lost; cold.
@flow
def first_light() -> datetime.datetime:
    return sunrise()


@task(target="out/{funcname}.js2")
def names_by_number() -> dict[int, str]:
    return {1: "north", 2: "south"}


@task
def name_of(names: dict[int, str], number: int) -> str:
    return names.get(number, "unknown")


# int keys become strings; cold: unknown.
@flow
def first_name() -> str:
    return name_of(names_by_number(), 1)


@task(target="out/{funcname}.js2")
def limits() -> dict[str, tuple[float, float]]:
    return {"rain": (0.0, 50.0)}


# tuples become lists; cold.
@flow
def rain_limits() -> tuple[float, float]:
    return load(limits())["rain"]


@task(target="out/{funcname}.json")
def shape(rows: int) -> tuple[int, int]:
    return rows, 3


# tuple, refused by .json; cold.
@flow
def table_shape() -> tuple[int, int]:
    return shape(2)


@task(target="out/{funcname}.json")
def count_by_month(days: list[str]) -> dict[int, int]:
    return {5: len(days)}


# int keys, refused by .json; cold.
@flow
def month_counts() -> dict[int, int]:
    return count_by_month(["mon", "tue"])


@task(target="out/{funcname}.json")
def mean_of(values: list[float]) -> float:
    return np.mean(values)  # type: ignore[return-value]


# numpy's float, refused by .json; cold.
@flow
def mean_value() -> float:
    return mean_of([1.0, 2.0])


@task(target="out/{funcname}.json")
def ratios(values: list[float]) -> list[float]:
    return [value / 2 if value else float("nan") for value in values]


# NaN, refused by .json; cold.
@flow
def ratio_table() -> list[float]:
    return ratios([1.0, 0.0])


@task(target="out/{funcname}/{site}.txt")
def folder_of(site: str) -> Path:
    return Path("in") / site


# Path, refused by .txt; cold.
@flow
def site_folder(site: str) -> Path:
    return folder_of(site)


class Fit:
    def __init__(self, slope: float, residuals: list[float]) -> None:
        self.slope = slope
        self.residuals = residuals

    def __getstate__(self) -> dict[str, Any]:
        return {"slope": self.slope, "residuals": []}


@task
def fit(values: list[float]) -> Fit:
    return Fit(1.0, [value - 1.0 for value in values])


@task
def worst(found: Fit) -> float:
    return max(found.residuals, default=0.0)


# __getstate__ drops the residuals; cold: the worst is 0.
@flow
def fit_report() -> float:
    return worst(fit([1.0, 1.5]))


class Grid:
    def __init__(self, size: int) -> None:
        self.cells = [0] * size

    def __reduce__(self) -> tuple[Any, ...]:
        return (Grid, (len(self.cells),))


@task
def marked_grid(size: int) -> Grid:
    grid = Grid(size)
    grid.cells[0] = 1
    return grid


# __reduce__ makes an empty grid; cold.
@flow
def marked_cells() -> list[int]:
    return load(marked_grid(3)).cells


class Quantity(float):
    unit: str

    def __new__(cls, value: float, unit: str) -> Self:
        self = super().__new__(cls, value)
        self.unit = unit
        return self


@task
def depth(feet: float) -> Quantity:
    return Quantity(feet * 0.3048, "m")


# __new__ with an argument that pickle does not know of; cold: the file cannot be read.
@flow
def depth_text() -> str:
    measured = load(depth(10.0))
    return f"{measured:.2f} {measured.unit}"


MISSING = object()


@task
def find(rows: dict[str, int], name: str) -> object:
    return rows.get(name, MISSING)


@task
def found_text(value: Any) -> str:
    return "missing" if value is MISSING else "found"


# a marker that is compared by identity; cold: another object comes back.
@flow
def search(name: str) -> str:
    return found_text(find({"north": 1}, name))


DEFECTS = [
    Defect(rain_table, "format", ("read_rain", ".tsv"), [("north",)]),
    Defect(postcode, "format", ("postcodes", ".tsv"), [("de",)]),
    Defect(signal, "format", ("read_signal", ".f32"), [("left",)]),
    Defect(rounded_height, "format", ("mean_height", ".num")),
    Defect(first_light, "format", ("sunrise", ".stamp")),
    Defect(first_name, "format", ("names_by_number", ".js2")),
    Defect(rain_limits, "format", ("limits", ".js2")),
    Defect(table_shape, "format", ("shape", ".json", "tuple")),
    Defect(month_counts, "format", ("count_by_month", ".json")),
    Defect(mean_value, "format", ("mean_of", ".json", "float64")),
    Defect(ratio_table, "format", ("ratios", ".json")),
    Defect(site_folder, "format", ("folder_of", ".txt", "Path"), [("north",)]),
    Defect(fit_report, "format", ("fit", "Fit")),
    Defect(marked_cells, "format", ("marked_grid", "Grid")),
    Defect(depth_text, "format", ("depth", "Quantity")),
    Defect(search, "format", ("find",), [("west",)]),
]
