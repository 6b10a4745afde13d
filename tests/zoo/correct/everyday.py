"""Flows that look like those of the zoo's other half, and are as they should be."""

from __future__ import annotations

import enum
import functools
import itertools
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

from specimens import Correct

from prefectx import flow, load, task


@functools.cache
def squares(count: int) -> dict[int, int]:
    return {number: number**2 for number in range(count)}


@task
def squared(number: int) -> int:
    return squares(20)[number]


# A helper that keeps what it has computed.
@flow
def sum_of_squares(number: int) -> int:
    return load(squared(number)) + load(squared(3))


@task
def by_letter(words: list[str]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        found[word[:1]].append(word)
    return dict(found)


# A defaultdict of the task's own.
@flow
def index_of_words() -> dict[str, list[str]]:
    return load(by_letter(["rain", "wind", "river"]))


class Wind(enum.Enum):
    CALM = 1
    STORM = 2


@task
def turned(wind: Wind) -> Wind:
    return Wind.STORM if wind is Wind.CALM else Wind.CALM


# `is` on a member of an enum.
@flow
def has_turned() -> bool:
    return load(turned(Wind.CALM)) is Wind.STORM


class Point(NamedTuple):
    x: float
    y: float


@task
def moved(point: Point, by: float = 1.0) -> Point:
    return point._replace(x=point.x + by)


# Named tuples, with a negative zero and infinity.
@flow
def moved_points() -> list[Point]:
    return load(moved.map([Point(1, 2), Point(-0.0, float("inf"))]))


@dataclass(frozen=True)
class Job:
    name: str
    sizes: tuple[int, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict[str, Any], compare=False)


@task
def larger(job: Job) -> Job:
    return replace(job, sizes=(*job.sizes, 1))


# A copy of a dataclass that shares a part with the first.
@flow
def job_sizes() -> tuple[int, ...]:
    job: Job = load(larger(larger(Job("a", notes={"kept": [1]}))))
    return job.sizes


@task
def rounds(most: int) -> int:
    total = 0
    for number in itertools.cycle([1, 2, 3]):
        total += number
        if total > most:
            return total
    return 0


# An endless iterator inside a task.
@flow
def rounds_of(most: int) -> int:
    return load(rounds(most))


@task
def third(text: str) -> Decimal:
    with localcontext() as context:
        context.prec = 5
        return Decimal(1) / Decimal(text)


# The context of decimal, changed and put back.
@flow
def rounded_third() -> Decimal:
    return load(third("3"))


@task
def with_end(rows: list[int]) -> list[int]:
    longer = list(rows)
    longer.append(0)
    return longer


# A copy is changed.
@flow
def rows_before() -> list[int]:
    rows = [3]
    load(with_end(rows))
    return rows


@task
def counted(words: list[str]) -> Counter[str]:
    return Counter(words)


# A Counter, whose order counts.
@flow
def commonest() -> list[tuple[str, int]]:
    return load(counted(["b", "a", "b"])).most_common(1)


def median_by(choose: Callable[[list[float]], float], values: list[float]) -> float:
    return choose(values)


@task
def typical(values: list[float]) -> float:
    return median_by(statistics.median, values)


# A library's function that is handed on, not replaced.
@flow
def typical_rain() -> float:
    return load(typical([1.0, 2.0, 9.0]))


CORRECT = [
    Correct(sum_of_squares, [(1,), (5,)]),
    Correct(index_of_words),
    Correct(has_turned),
    Correct(moved_points),
    Correct(job_sizes),
    Correct(rounds_of, [(3,), (40,)]),
    Correct(rounded_third),
    Correct(rows_before),
    Correct(commonest),
    Correct(typical_rain),
]
