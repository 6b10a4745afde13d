"""Outputs that cannot be stored at all; cold, each: `cache` raises UnsupportedValue."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from specimens import Defect

from prefectx import flow, load, task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, KeysView


@task
def scaling(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor


# lambda.
@flow
def scaled(value: float) -> float:
    return load(scaling(2.0))(value)


@task(target="working/{funcname}/{name}")
def without_header(name: str, file: IO[str]) -> IO[str]:
    file.readline()
    return file


# open file.
@flow
def first_row(text: str) -> str:
    Path("in.csv").write_text(text)
    with Path("in.csv").open() as file:
        return load(without_header("in", file)).readline()


@task
def shared_table(site: str) -> dict[str, Any]:
    return {"site": site, "lock": threading.Lock()}


# lock.
@flow
def site_of_table() -> str:
    return str(load(shared_table("north"))["site"])


@task
def squares(size: int) -> Iterator[int]:
    return (number * number for number in range(size))


# generator expression.
@flow
def sum_of_squares() -> int:
    return sum(load(squares(4)))


@task
def parsed(line: str) -> Any:
    class Row:
        day, rain = line.split(",")

    return Row()


# instance of a local class.
@flow
def day_of_row() -> str:
    return str(load(parsed("mon,1.0")).day)


@task
def grouped(names: list[str]) -> dict[str, dict[str, int]]:
    groups: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name in names:
        groups[name[0]][name] += 1
    return groups


# defaultdict with a lambda.
@flow
def group_sizes() -> dict[str, int]:
    return {key: len(group) for key, group in load(grouped(["ann", "abe", "bob"])).items()}


@task
def words(text: str) -> KeysView[str]:
    return Counter(text.split()).keys()


# view of a dict's keys.
@flow
def sorted_words() -> list[str]:
    return sorted(load(words("b a b")))


DEFECTS = [
    Defect(scaled, "unstorable", ("scaling", "lambda"), [(3.0,)]),
    Defect(first_row, "unstorable", ("without_header", "TextIOWrapper"), [("day,rain\nmon,1\n",)]),
    Defect(site_of_table, "unstorable", ("shared_table", "lock")),
    Defect(sum_of_squares, "unstorable", ("squares", "generator")),
    Defect(day_of_row, "unstorable", ("parsed", "Row")),
    Defect(group_sizes, "unstorable", ("grouped", "lambda")),
    Defect(sorted_words, "unstorable", ("words", "dict_keys")),
]
