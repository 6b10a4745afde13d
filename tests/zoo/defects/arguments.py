"""Tasks that change what they are given; whoever looks at it again sees that only if they ran."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from specimens import Defect

from prefectx import flow, task

if TYPE_CHECKING:
    from collections.abc import Iterator


@task
def read_heights() -> list[float]:
    return [3.0, 1.0, 2.0]


@task
def median(heights: list[float]) -> float:
    heights.sort()
    return heights[len(heights) // 2]


@task
def drift(heights: list[float]) -> float:
    return heights[-1] - heights[0]


# list; cold: in `function`, drift sees what median has sorted.
@flow
def heights_summary() -> dict[str, float]:
    heights = read_heights()
    return {"median": median(heights), "drift": drift(heights)}


# list of the caller; warm: the caller's list is sorted only if median runs.
@flow
def median_and_first(heights: list[float]) -> dict[str, float]:
    return {"median": median(heights), "first": heights[0]}


@task
def with_total(row: list[int]) -> list[int]:
    row += [sum(row)]
    return row


@task
def read_row() -> list[int]:
    return [1, 2, 3]


@task
def width(row: list[int]) -> int:
    return len(row)


# list, by +=; cold: in `function`, width counts the total too.
@flow
def row_and_width() -> list[Any]:
    row = read_row()
    return [with_total(row), width(row)]


@task
def read_config() -> dict[str, Any]:
    return {"rows": 10}


@task
def set_unit(config: dict[str, Any]) -> dict[str, Any]:
    config["unit"] = "mm"
    return config


@task
def header(config: dict[str, Any]) -> str:
    return ",".join(sorted(config))


# dict; cold: in `function`, header sees the unit; in `cache`, only the unused result has it.
@flow
def config_header() -> str:
    config = read_config()
    set_unit(config)
    return header(config)


@task
def connect(options: dict[str, Any]) -> str:
    return f"{options.pop('host')}:{options.pop('port', 5432)}"


# dict of the caller; warm: host and port are taken out only if connect runs.
@flow
def connection(options: dict[str, Any]) -> dict[str, Any]:
    return {"address": connect(options), "others": options}


@task
def read_prices() -> list[dict[str, Any]]:
    return [{"name": "nail", "price": "9"}, {"name": "screw", "price": "10"}]


@task
def total_price(rows: list[dict[str, Any]]) -> float:
    for row in rows:
        row["price"] = float(row["price"])
    return float(sum(row["price"] for row in rows))


@task
def cheapest(rows: list[dict[str, Any]]) -> str:
    return str(min(rows, key=lambda row: row["price"])["name"])


# dicts in a list; cold: in `cache`, cheapest compares the prices as text.
@flow
def price_list() -> list[Any]:
    rows = read_prices()
    return [total_price(rows), cheapest(rows)]


@task
def unknown_stations(stations: set[int]) -> int:
    stations -= {101, 102}
    return len(stations)


# set of the caller; warm: the known stations are taken out only if the task runs.
@flow
def station_check(stations: set[int]) -> list[Any]:
    return [unknown_stations(stations), sorted(stations)]


@task
def read_rain() -> pd.DataFrame:
    return pd.DataFrame({"day": ["mon", "tue", "wed"], "rain": [1.0, np.nan, 3.0]})


@task
def mean_rain(table: pd.DataFrame) -> float:
    table["rain"] = table["rain"].fillna(0.0)
    return float(table["rain"].mean())


@task
def count_gaps(table: pd.DataFrame) -> int:
    return int(table["rain"].isna().sum())


# DataFrame; cold: in `function`, count_gaps sees the table whose gaps are filled.
@flow
def rain_report() -> list[float]:
    table = read_rain()
    return [mean_rain(table), count_gaps(table)]


@task
def largest_share(table: pd.DataFrame) -> float:
    table["share"] = table["rain"] / table["rain"].sum()
    return float(table["share"].max())


# DataFrame of the caller; warm: the column is added only if largest_share runs.
@flow
def shares(table: pd.DataFrame) -> list[Any]:
    return [largest_share(table), list(table.columns)]


@task
def read_signal() -> np.ndarray:
    return np.array([10.0, 12.0, 1.0, 2.0])


@task
def first_half(signal: np.ndarray) -> np.ndarray:
    return signal[: len(signal) // 2]


@task
def spread(part: np.ndarray) -> float:
    part -= part.mean()
    return float(part.std())


@task
def peak(signal: np.ndarray) -> float:
    return float(signal.max())


# numpy view; cold: in `function`, part is a view of the signal, which peak looks at.
@flow
def signal_report() -> list[float]:
    signal = read_signal()
    return [spread(first_half(signal)), peak(signal)]


@task
def clipped_mean(image: np.ndarray) -> float:
    np.clip(image, 0, 255, out=image)
    return float(image.mean())


# numpy array of the caller, by out=; warm: it is clipped only if clipped_mean runs.
@flow
def exposure(image: np.ndarray) -> list[float]:
    return [clipped_mean(image), float(image.max())]


@dataclass
class Station:
    name: str
    offset: float = 0.0


@task
def calibrate(station: Station, reference: float) -> float:
    station.offset = reference - 5.0
    return station.offset


@task
def reading(station: Station, raw: float) -> float:
    return raw + station.offset


# attribute of an object; warm: the station has its offset only if calibrate runs.
@flow
def calibrated_reading(name: str) -> list[float]:
    station = Station(name)
    return [calibrate(station, 7.0), reading(station, 10.0)]


@task
def settings(name: str, options: dict[str, Any] = {}) -> dict[str, Any]:  # noqa: B006 - the defect
    options["name"] = name
    return options


# mutable default argument; cold: in `function`, both settings are one dict.
@flow
def two_settings() -> list[dict[str, Any]]:
    return [settings("north"), settings("south")]


@task(target="out/{funcname}")
def title(lines: Iterator[str]) -> str:
    return next(lines)


@task(target="out/{funcname}")
def count_lines(lines: Iterator[str]) -> int:
    return sum(1 for _ in lines)


# iterator; warm: it stands behind the title only if title runs.
@flow
def text_body(text: str) -> list[Any]:
    lines = iter(text.splitlines())
    return [title(lines), count_lines(lines)]


@task
def pairs_of(days: list[str], rain: list[float]) -> Iterator[tuple[str, float]]:
    return zip(days, rain, strict=True)


@task
def wettest(pairs: Iterator[tuple[str, float]]) -> str:
    return max(pairs, key=lambda pair: pair[1])[0]


@task
def count_pairs(pairs: Iterator[tuple[str, float]]) -> int:
    return sum(1 for _ in pairs)


# iterator, a result with two consumers; cold: in `function`, wettest leaves none for count_pairs.
@flow
def wettest_day() -> list[Any]:
    pairs = pairs_of(["mon", "tue"], [1.0, 2.0])
    return [wettest(pairs), count_pairs(pairs)]


HEIGHTS = [3.0, 1.0, 2.0]
TABLE = pd.DataFrame({"day": ["mon", "tue"], "rain": [1.0, 3.0]})

DEFECTS = [
    Defect(heights_summary, "changes-argument", ("median", "heights")),
    Defect(median_and_first, "changes-argument", ("median", "heights"), [(HEIGHTS,)]),
    Defect(row_and_width, "changes-argument", ("with_total", "row")),
    Defect(config_header, "changes-argument", ("set_unit", "config")),
    Defect(connection, "changes-argument", ("connect", "options"), [({"host": "db", "ssl": 1},)]),
    Defect(price_list, "changes-argument", ("total_price", "rows")),
    Defect(station_check, "changes-argument", ("unknown_stations", "stations"), [({101, 205},)]),
    Defect(rain_report, "changes-argument", ("mean_rain", "table")),
    Defect(shares, "changes-argument", ("largest_share", "table"), [(TABLE,)]),
    Defect(signal_report, "changes-argument", ("spread", "part")),
    Defect(exposure, "changes-argument", ("clipped_mean", "image"), [(np.array([300.0, 20.0]),)]),
    Defect(calibrated_reading, "changes-argument", ("calibrate", "station"), [("north",)]),
    Defect(two_settings, "changes-argument", ("settings", "options")),
    Defect(text_body, "changes-argument", ("title", "lines"), [("Rain\n1\n2",)]),
    Defect(wettest_day, "changes-argument", ("wettest", "pairs")),
]
