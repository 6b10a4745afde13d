"""Tasks that change copies, or change what nobody looks at again."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from specimens import Correct

from prefectx import flow, load, task

if TYPE_CHECKING:
    from collections.abc import Iterator


@task
def read_heights() -> list[float]:
    return [3.0, 1.0, 2.0]


@task
def median(heights: list[float]) -> float:
    heights = list(heights)
    heights.sort()
    return heights[len(heights) // 2]


@task
def drift(heights: list[float]) -> float:
    return heights[-1] - heights[0]


# The task sorts a copy.
@flow
def heights_summary() -> list[float]:
    heights = read_heights()
    return [median(heights), drift(heights)]


@task
def with_unit(config: dict[str, Any]) -> dict[str, Any]:
    config = copy.deepcopy(config)
    config["columns"].append("unit")
    return config


# The task changes a deep copy.
@flow
def config_with_unit(config: dict[str, Any]) -> list[dict[str, Any]]:
    return [with_unit(config), config]


@task
def sorted_in_place(heights: list[float]) -> list[float]:
    heights.sort()
    return heights


# The argument is changed in place, but nobody looks at it again.
@flow
def sorted_heights() -> list[float]:
    return sorted_in_place(read_heights())


# The caller's list is changed in place, but only if the task runs, and nobody looks at it again.
@flow
def sorted_copy(heights: list[float]) -> list[float]:
    return sorted_in_place(heights)


@task
def filled(table: pd.DataFrame) -> pd.DataFrame:
    table["rain"] = table["rain"].fillna(0.0)
    return table


@task
def read_rain() -> pd.DataFrame:
    return pd.DataFrame({"day": ["mon", "tue", "wed"], "rain": [1.0, np.nan, 3.0]})


# A DataFrame is changed in place; what follows takes the result.
@flow
def clean_rain() -> pd.DataFrame:
    return filled(read_rain())


@task
def centred(signal: np.ndarray) -> np.ndarray:
    part = signal[:2].copy()
    part -= part.mean()
    return part


# A copy of a view is changed.
@flow
def centred_signal(signal: np.ndarray) -> list[np.ndarray]:
    return [centred(signal), signal]


@task
def read_counts() -> list[int]:
    return [3, 1, 2]


@task(target=None)
def sort_rows(rows: list[int]) -> None:
    rows.sort()


# A task that is never kept changes its argument in every run: loaded data, used by nobody else.
@flow
def lowest_row() -> int:
    rows = load(read_counts())
    sort_rows(rows)
    return rows[0]


@task
def mean(counts: list[int]) -> float:
    return sum(counts) / len(counts)


# The flow's body copies before it appends.
@flow
def counts_report() -> list[Any]:
    counts = read_counts()
    data = [*load(counts), 100]
    return [data, mean(counts)]


@task
def joined(names: list[str], separators: list[str] = [",", ";"]) -> str:  # noqa: B006 - unchanged
    return separators[0].join(names)


# A mutable default argument that nobody changes.
@flow
def joined_names() -> str:
    return joined(["ann", "bob"])


@task(target="out/{funcname}/{len(text)}")
def count_lines(lines: Iterator[str], text: str) -> int:
    return sum(1 for _ in lines)


# An iterator with one consumer, and a target for each text.
@flow
def line_count(text: str) -> int:
    return count_lines(iter(text.splitlines()), text)


CORRECT = [
    Correct(heights_summary),
    Correct(config_with_unit, [({"columns": ["day"]},)]),
    Correct(sorted_heights),
    Correct(sorted_copy, [([2.0, 1.0],), ([2.0, 0.5],)]),
    Correct(clean_rain),
    Correct(centred_signal, [(np.array([1.0, 3.0, 5.0]),)]),
    Correct(lowest_row),
    Correct(counts_report),
    Correct(joined_names),
    Correct(line_count, [("a\nb",), ("a\nb\nc",)]),
]
