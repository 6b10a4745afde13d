"""Flows in flows, tasks in tasks, futures, exceptions, async code, methods and generators."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from specimens import Correct

from prefectx import allow_failure, as_completed, flow, load, task, unmapped

if TYPE_CHECKING:
    from collections.abc import Iterator


@task
def double(value: int) -> int:
    return 2 * value


@task
def add(left: int, right: int) -> int:
    return left + right


@task
def parsed(text: str) -> float:
    return float(text)


# The same call twice: a hit within the run.
@flow
def sum_of_doubles(value: int) -> int:
    return add(double(value), double(value))


# An exception of a task, caught by the flow.
@flow
def parsed_or_none(texts: list[str]) -> list[float | None]:
    results: list[float | None] = []
    for text in texts:
        try:
            results.append(load(parsed(text)))
        except ValueError:
            results.append(None)
    return results


@task
def described(value: float | Exception) -> str:
    return f"failed: {value}" if isinstance(value, Exception) else f"{value:.1f}"


# An exception of a task, given to the next one.
@flow
def descriptions(texts: list[str]) -> list[str]:
    return load([described.submit(allow_failure(parsed.submit(text))) for text in texts])


# States of tasks that may fail.
@flow
def completed(texts: list[str]) -> list[bool]:
    return [state.is_completed() for state in parsed.map(texts, return_state=True)]


@flow
def site_total(rows: list[int]) -> int:
    return add(double(rows[0]), rows[1])


# Flows in a flow.
@flow
def total() -> int:
    return add(site_total([1, 2]), site_total([3, 4]))


@task
def quadruple(value: int) -> int:
    return double(double(value))


# Tasks in a task.
@flow
def quadruples() -> list[int]:
    return load(quadruple.map([1, 2, 4]))


@task
def scaled(value: float, factors: list[float]) -> list[float]:
    return [value * factor for factor in factors]


# map with an argument that goes to each call whole.
@flow
def scaled_values() -> list[list[float]]:
    return load(scaled.map([1.0, 2.0], unmapped([10.0, 100.0])))


# Chains of futures.
@flow
def chain(value: int) -> list[Any]:
    first = double.submit(value)
    second = double.submit(first)
    third = add.submit(first, right=second)
    fourth = double.submit(7, wait_for=[third])
    return [third, {"fourth": fourth}, double.map([first, second])]


# Futures in the order in which they come.
@flow
def as_they_come() -> list[int]:
    return sorted(load([future.result() for future in as_completed(double.map([1, 2, 3]))]))


@task
async def fetch(page: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"<{page}>"


# Async tasks at the same time: their results come in the order of the calls.
@flow
async def pages() -> list[str]:
    return [*await asyncio.gather(fetch("slow", 0.03), fetch("fast", 0.0))]


@dataclass(frozen=True)
class Station:
    name: str
    offset: float

    @task
    def reading(self, raw: float) -> float:
        return raw + self.offset

    @classmethod
    @task
    def unit(cls, country: str) -> str:
        return f"{cls.__name__} {country}"

    @staticmethod
    @task
    def distance(left: float, right: float) -> float:
        return abs(left - right)


# Methods of objects and classes.
@flow
def station_report() -> list[Any]:
    north, south = Station("north", 1.0), Station("south", -1.0)
    readings = [north.reading(5.0), south.reading(5.0)]
    unit: Any = Station.unit
    return [readings, unit("de"), Station.distance(*readings)]


@task(target=None)
def numbers(size: int) -> Iterator[int]:
    yield from range(size)


@task
def sum_all(values: list[int]) -> int:
    return sum(values)


# A generator, which is never kept.
@flow
def sum_of_numbers(size: int) -> int:
    return sum_all(list(numbers(size)))


@task
def bounds(rows: list[int]) -> tuple[int, int]:
    return min(rows), max(rows)


# A result in parts.
@flow
def span(rows: list[int]) -> int:
    low, high = load(bounds(rows))
    return add(high, -low)


# What is called depends on a result.
@flow
def collatz(start: int) -> list[int]:
    steps = [start]
    while steps[-1] > 1:
        last = steps[-1]
        steps.append(load(add(2 * last, last + 1)) if last % 2 else last // 2)
    return steps


@task
def length(values: list[str]) -> int:
    return len(values)


# An argument that is too large for Prefect's API.
@flow
def length_of(values: list[str]) -> int:
    return length(values)


CORRECT = [
    Correct(length_of, [(["x" * 10] * 60_000,)], ("function", "prefect")),
    Correct(sum_of_doubles, [(1,), (2,), (1,)]),
    Correct(parsed_or_none, [(["1.5", "x"],)]),
    Correct(descriptions, [(["1.5", "x"],)]),
    Correct(completed, [(["1.5", "x"],)]),
    Correct(total),
    Correct(quadruples),
    Correct(scaled_values),
    Correct(chain, [(1,), (2,)]),
    Correct(as_they_come),
    Correct(pages),
    Correct(station_report),
    Correct(sum_of_numbers, [(4,)]),
    Correct(span, [([3, 1, 2],)]),
    Correct(collatz, [(6,), (7,)]),
]
