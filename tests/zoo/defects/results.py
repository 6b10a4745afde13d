"""Results that are changed after their task has given them: only `function` mode sees that."""

from __future__ import annotations

from typing import Any

import numpy as np
from specimens import Defect

from prefectx import flow, load, task

COLUMNS: list[str] = []


@task
def columns() -> list[str]:
    return COLUMNS


# module-level list, extended by the flow; cold: in `cache`, the second call gives what was kept.
@flow
def extended_header() -> list[list[str]]:
    COLUMNS[:] = ["day", "rain"]
    header = load(columns())
    header.append("wind")
    return [header, columns()]


ISSUES: list[str] = []


@task
def check(name: str) -> list[str]:
    if not name.islower():
        ISSUES.append(name)
    return ISSUES


# module-level list, extended by the next call; cold: in `function`, both results are one list.
@flow
def all_issues() -> list[list[str]]:
    ISSUES.clear()
    return [check("North"), check("South")]


@task
def read_counts(site: str) -> list[int]:
    return [len(site), 2, 3]


@task
def mean(counts: list[int]) -> float:
    return sum(counts) / len(counts)


# the flow's body; cold: in `function`, mean sees the number that the body has appended.
@flow
def counts_report(site: str) -> list[Any]:
    counts = read_counts(site)
    data = load(counts)
    data.append(100)
    return [data, mean(counts)]


FRAME = np.zeros(3)


@task
def read_frame(number: int) -> np.ndarray:
    FRAME[:] = number
    return FRAME


# one buffer for all frames; cold: in `function`, both frames are the last one.
@flow
def two_frames() -> list[np.ndarray]:
    return [read_frame(1), read_frame(2)]


@task
def read_people() -> list[dict[str, Any]]:
    return [{"name": "Ann"}, {"name": "Bob"}]


@task
def first(people: list[dict[str, Any]]) -> dict[str, Any]:
    return people[0]


# result shared between two consumers; cold: in `function`, first gives a part of people itself.
@flow
def winner() -> list[Any]:
    people = read_people()
    best = load(first(people))
    best["winner"] = True
    return [best, people]


DEFECTS = [
    Defect(extended_header, "hidden-input", ("columns", "COLUMNS")),
    Defect(all_issues, "changes-result", ("check",)),
    Defect(counts_report, "changes-result", ("read_counts",), [("north",)]),
    Defect(two_frames, "changes-result", ("read_frame",)),
    Defect(winner, "changes-result", ("first",)),
]
