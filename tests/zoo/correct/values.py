"""Values that a careless comparison or format would take for others."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import math
import zoneinfo
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from specimens import Correct

from prefectx import flow, load, task

if TYPE_CHECKING:
    from collections.abc import Callable


@task
def find(rows: dict[str, int], name: str) -> int | None:
    return rows.get(name)


# None is an output like any other.
@flow
def found() -> list[int | None]:
    return [find({"north": 1}, "south"), find({"north": 1}, "north")]


@task
def ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


@task
def ratios(rows: list[float]) -> dict[str, Any]:
    return {"rows": [row or math.nan for row in rows], "array": np.array([math.nan, *rows])}


# NaN, alone and inside; it does not equal itself.
@flow
def nan_ratios() -> list[Any]:
    return [ratio(1.0, 0.0), ratio(1.0, 2.0), ratios([0.0, 1.0])]


@task
def negated(value: float) -> float:
    return -value


# 0.0 and -0.0, as arguments and as results.
@flow
def zeros() -> list[float]:
    return [negated(0.0), negated(-0.0)]


@task
def text_of(value: Any) -> str:
    return repr(value)


# Arguments that are easily taken for each other, with the default base.
@flow
def twins() -> list[str]:
    several = [0, False, "0", 0.0, -0.0, None, "None", "", b"", math.nan, "nan", [], (), {}, 1, "1"]
    return load(text_of.map(several))


@task
def stations() -> set[int]:
    return {2015, 2023}


@task
def names() -> frozenset[str]:
    return frozenset({"north", "south", "west"})


@task
def in_order(numbers: set[int]) -> list[int]:
    return sorted(numbers)


# Sets come back in another order, but are only sorted, summed and compared.
@flow
def station_report() -> list[Any]:
    numbers = stations()
    return [numbers, names(), in_order(numbers), sum(load(numbers))]


@task
def settings() -> dict[str, Any]:
    return {"z": 1, "a": [2], "m": {"y": 3, "b": 4}}


@task
def keys(mapping: dict[str, Any]) -> list[str]:
    return list(mapping)


# The order of a dict, which is kept.
@flow
def setting_names() -> list[Any]:
    found = settings()
    return [keys(found), found]


@task
def empty(kind: str) -> object:
    kinds: dict[str, Callable[[], Any]] = {
        "list": list,
        "dict": dict,
        "text": str,
        "bytes": bytes,
        "set": set,
        "array": lambda: np.zeros((0, 3)),
        "table": pd.DataFrame,
    }
    return kinds[kind]()


# Empty outputs.
@flow
def empty_results() -> list[Any]:
    return load(empty.map(["list", "dict", "text", "bytes", "set", "array", "table"]))


@task
def odd_tables() -> dict[str, pd.DataFrame]:
    two = pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["site", "month"])
    times = pd.date_range("2024-03-31", periods=2, freq="h", tz="Europe/Berlin")
    return {
        "two levels": pd.DataFrame({"rain": [1.0, np.nan]}, index=two),
        "twice the same": pd.DataFrame({"rain": [1, 2]}, index=["mon", "mon"]),
        "times": pd.DataFrame({"rain": [1, 2]}, index=times),
        "kinds": pd.DataFrame({"kind": pd.Categorical(["b", "a"], categories=["b", "a", "c"])}),
        "gaps": pd.DataFrame({"count": pd.array([1, None], dtype="Int64")}, index=[5, 3]),
    }


@task
def lengths(tables: dict[str, pd.DataFrame]) -> pd.Series:
    return pd.Series({name: len(table) for name, table in tables.items()}, name="rows")


# DataFrames with odd indexes and types.
@flow
def table_report() -> list[Any]:
    tables = odd_tables()
    return [tables, lengths(tables)]


@task
def arrays() -> dict[str, Any]:
    return {
        "small": np.array([1, 255], dtype=np.uint8),
        "half": np.array([0.1], dtype=np.float16),
        "complex": np.array([1 + 2j, complex(math.nan, -0.0)]),
        "days": np.array(["2024-05-01", "NaT"], dtype="datetime64[D]"),
        "records": np.array([(1, 2.0)], dtype=[("id", "i4"), ("rain", "f8")]),
        "by columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.float32(0.1),
        "no dimension": np.array(3),
        "texts": np.array(["a", "longer"], dtype=object),
        "masked": np.ma.masked_array([1, 2], mask=[False, True]),
    }


@task
def dtypes(given: dict[str, Any]) -> dict[str, str]:
    return {name: str(array.dtype) for name, array in given.items()}


# Types of numpy.
@flow
def array_report() -> list[Any]:
    given = arrays()
    return [given, dtypes(given)]


class Kind(enum.Enum):
    RAIN = "rain"
    WIND = "wind"


class Point(NamedTuple):
    x: float
    y: float = -0.0


@dataclass(frozen=True)
class Sensor:
    kind: Kind
    place: Point
    tags: dict[str, int] = field(default_factory=dict, compare=False)


@task
def sensor(kind: Kind) -> Sensor:
    return Sensor(kind, Point(1.0), {"checked": 1})


@task
def is_rain(given: Sensor) -> bool:
    return given.kind is Kind.RAIN


# Dataclasses, named tuples and enums, compared by identity too.
@flow
def sensor_report() -> list[Any]:
    rain = sensor(Kind.RAIN)
    return [rain, is_rain(rain), is_rain(sensor(Kind.WIND))]


class Node:
    def __init__(self, name: str, parent: Node | None = None) -> None:
        self.name = name
        self.parent = parent
        self.children: list[Node] = []
        if parent:
            parent.children.append(self)


@task
def tree() -> Node:
    root = Node("root")
    Node("leaf", Node("branch", root))
    return root


@task
def depth(node: Node) -> int:
    return 1 + max((depth.fn(child) for child in node.children), default=0)


# Objects without an equality of their own, that refer to each other.
@flow
def tree_report() -> list[Any]:
    root = tree()
    return [root, depth(root)]


@task
def matrix(size: int) -> list[list[int]]:
    row = [0] * size
    return [row, row]


# A list that is there twice in a result.
@flow
def repeated_row() -> list[list[int]]:
    rows = load(matrix(2))
    rows[0][0] = 1
    return rows


@task
def sunrise(zone: str) -> dict[str, Any]:
    there = zoneinfo.ZoneInfo(zone)
    return {
        "time": datetime.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=there),
        "utc": datetime.datetime(2024, 10, 27, tzinfo=datetime.UTC),
        "day": datetime.date(2024, 10, 27),
        "length": datetime.timedelta(hours=9.5),
    }


# Times with a zone, by pickle.
@flow
def sunrise_in(zone: str) -> dict[str, Any]:
    return sunrise(zone)


@task
def folder_of(site: str) -> Path:
    return Path("in") / site


# Paths.
@flow
def site_folders() -> list[Path]:
    return load(folder_of.map(["north", "south"]))


@task
def odd_values() -> list[Any]:
    return [
        10**400,
        decimal.Decimal("1.10"),
        collections.Counter("banana"),
        collections.defaultdict(list, a=[1]),
        collections.deque([1, 2], maxlen=2),
        range(0, 10, 3),
        "ä\r\n\0\ud800",
        bytearray(b"\0\xff"),
        ValueError("bad", 3),
        math.inf,
    ]


# Values of rarer types, an exception that is returned among them.
@flow
def odd_list() -> list[Any]:
    return odd_values()


@task
def image(size: int) -> np.ndarray:
    return np.arange(size * size, dtype=np.float64).reshape(size, size)


@task
def brightest(pixels: np.ndarray) -> float:
    return float(pixels.max())


# A large array.
@flow
def image_report(size: int) -> list[Any]:
    pixels = image(size)
    return [pixels, brightest(pixels), brightest(load(pixels)[::2, ::-1])]


CORRECT = [
    Correct(found),
    Correct(nan_ratios),
    Correct(zeros),
    Correct(twins),
    Correct(station_report),
    Correct(setting_names),
    Correct(empty_results),
    Correct(table_report),
    Correct(array_report),
    Correct(sensor_report),
    Correct(tree_report),
    Correct(repeated_row),
    Correct(sunrise_in, [("Europe/Berlin",), ("UTC",)]),
    Correct(site_folders),
    Correct(odd_list),
    Correct(image_report, [(400,)]),
]
