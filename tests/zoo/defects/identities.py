"""Results that are the same data, but not the same object, once they were kept; cold, each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from specimens import Defect

from prefectx import current_mode, flow, load, task


@task
def measured(day: str) -> list[float]:
    return [1.0, math.nan]


# `in` takes the same object for equal.
@flow
def has_gaps() -> bool:
    return math.nan in load(measured("mon"))  # noqa: PLW0177 - the defect


@task
def candidates(size: int) -> list[list[int]]:
    return [[number] for number in range(size)]


@task
def best(rows: list[list[int]]) -> list[int]:
    return rows[-1]


# `is` of an element of another result.
@flow
def place_of_best() -> list[bool]:
    rows = load(candidates(3))
    winner = load(best(rows))
    return [row is winner for row in rows]


class Node:
    def __init__(self, name: str) -> None:
        self.name = name


@task
def node(name: str) -> Node:
    return Node(name)


@task
def parent_of(child: Node) -> dict[str, Node]:
    return {"child": child}


# objects as keys.
@flow
def weight() -> int:
    leaf = load(node("leaf"))
    weights = {leaf: 3}
    return weights.get(load(parent_of(leaf))["child"], 0)


@task
def same(rows: list[int]) -> list[int]:
    return rows


# id().
@flow
def is_unchanged() -> bool:
    rows = [1, 2]
    return id(load(same(rows))) == id(rows)


@task
def years(size: int) -> set[int]:
    return {2015, 2023}


# the order of a set, seen in the flow; both want one place in its table.
@flow
def first_year() -> int:
    return next(iter(load(years(2))))


@task
def checked(value: int) -> Exception:
    error = ValueError(value)
    error.__cause__ = KeyError("unit")
    return error


# the cause of an exception that is a result.
@flow
def cause() -> str:
    return repr(load(checked(1)).__cause__)


@task(target="out/{funcname}/{size}.npy")
def constants(size: int) -> Any:
    array = np.arange(size)
    array.flags.writeable = False
    return array


# an array that must not be written to can be after loading.
@flow
def can_be_written() -> bool:
    return bool(load(constants(3)).flags.writeable)


# asking for the mode.
@flow
def asked_mode() -> str:
    return current_mode()


DEFECTS = [
    Defect(has_gaps, "identity", ("measured",)),
    Defect(place_of_best, "identity", ("best",)),
    Defect(weight, "identity", ("parent_of",)),
    Defect(is_unchanged, "identity", ("same",)),
    Defect(first_year, "set-order", ("years",)),
    Defect(cause, "format", ("checked",), needs_fresh_process=True),
    Defect(can_be_written, "format", ("constants",)),
    Defect(asked_mode, "mode-asked", ("asked_mode",)),
]
