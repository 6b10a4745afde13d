"""Tasks that are run for what they do, not for what they give: a hit does not do it."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from specimens import Defect

from prefectx import flow, load, task

STATIONS: dict[str, int] = {}


@task
def register(name: str, number: int) -> None:
    STATIONS[name] = number


# cached None; warm: nobody registers.
@flow
def registered() -> list[str]:
    STATIONS.clear()
    register("north", 1)
    register("south", 2)
    return sorted(STATIONS)


@task
def append_day(day: str, rain: float) -> None:
    with Path("report.csv").open("a") as report:
        report.write(f"{day},{rain}\n")


# a line added to a file that is no target; warm: the report has no lines.
@flow
def daily_report() -> str:
    Path("report.csv").write_text("day,rain\n")
    append_day("mon", 1.0)
    append_day("tue", 2.0)
    return Path("report.csv").read_text()


DONE: Counter[str] = Counter()


@task
def upper(name: str) -> str:
    DONE["names"] += 1
    return name.upper()


# statistics kept on the side; warm: nothing is counted.
@flow
def upper_names(names: list[str]) -> dict[str, Any]:
    DONE.clear()
    results = load(upper.map(names))
    return {"results": results, "done": DONE["names"]}


@task
def fix_seed(seed: int) -> None:
    random.seed(seed)


@task
def shuffled(rows: list[int]) -> list[int]:
    return random.sample(rows, len(rows))


# the seed is set by a task; lost, shuffled alone: it draws without the seed.
@flow
def shuffled_rows() -> list[int]:
    random.seed()
    fix_seed(42)
    return shuffled(list(range(100)))


@task
def show_digits(digits: int) -> None:
    np.set_printoptions(precision=digits)


@task
def as_text(numbers: np.ndarray) -> str:
    return str(numbers)


# numpy's options are set by a task; lost, as_text alone: it writes eight digits.
@flow
def text_table() -> str:
    with np.printoptions(precision=8):
        show_digits(2)
        return load(as_text(np.array([1 / 3, 2 / 3])))


DEFECTS = [
    Defect(registered, "side-effect", ("register", "STATIONS")),
    Defect(daily_report, "side-effect", ("append_day",)),
    Defect(upper_names, "side-effect", ("upper", "DONE"), [(["ann", "bob"],)]),
    Defect(shuffled_rows, "side-effect", ("fix_seed",)),
    Defect(text_table, "side-effect", ("show_digits",)),
]
