"""Randomness, time, globals and effects that no result depends on."""

from __future__ import annotations

import contextlib
import decimal
import functools
import os
import random
import time
import warnings
from collections import Counter

import numpy as np
from specimens import Correct

from prefectx import flow, get_run_logger, load, task


@task
def shuffled(rows: list[int]) -> list[int]:
    return random.Random(0).sample(rows, len(rows))  # noqa: S311 - no secret


# Random with a fixed seed.
@flow
def shuffled_rows() -> list[int]:
    return shuffled(list(range(20)))


@task
def noise(size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=size)


# Random with a seed that is an argument.
@flow
def noise_of(seed: int) -> np.ndarray:
    return noise(5, seed)


@task
def timed_sum(rows: list[int]) -> int:
    start = time.perf_counter()
    result = sum(rows)
    print(f"took {time.perf_counter() - start:.6f} s, ended {time.ctime()}")  # noqa: T201
    return result


# Time, printed alone.
@flow
def sum_of(rows: list[int]) -> int:
    return timed_sum(rows)


@task
def logged_length(name: str) -> int:
    get_run_logger().info("process %s reads %s", os.getpid(), name)
    return len(name)


# A log that says something else in each run.
@flow
def name_lengths(names: list[str]) -> list[int]:
    get_run_logger().info("%s names", len(names))
    return load(logged_length.map(names))


FEET = 3.28084


@task
def in_feet(metres: float) -> float:
    return metres * FEET


# A constant.
@flow
def height_in_feet() -> float:
    return in_feet(2.0)


COUNTRIES = {"DE": "Germany", "FR": "France"}


@task
def country(code: str) -> str:
    return COUNTRIES.get(code, "unknown")


# A table of names that nobody changes.
@flow
def countries() -> list[str]:
    return load(country.map(["DE", "FR", "XX"]))


@functools.lru_cache
def fibonacci(number: int) -> int:
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)


@task
def growth(years: int) -> list[int]:
    return [fibonacci(year) for year in range(years)]


# A cache inside, which only saves time.
@flow
def growths() -> list[list[int]]:
    return [growth(5), growth(30)]


SEEN: Counter[str] = Counter()


@task
def upper(name: str) -> str:
    SEEN[name] += 1
    return name.upper()


# Statistics that nobody reads.
@flow
def upper_names() -> list[str]:
    return load(upper.map(["ann", "bob", "ann"]))


PARSED: dict[str, list[int]] = {}


@task
def parsed(line: str) -> list[int]:
    if line not in PARSED:
        PARSED[line] = [int(cell) for cell in line.split(",")]
    return list(PARSED[line])


# A cache in a global, of which each result is a copy.
@flow
def parsed_lines() -> list[list[int]]:
    first = load(parsed("1,2"))
    first.append(3)
    return [first, parsed("1,2")]


@task
def converted(metres: float, unit: str) -> float:
    return metres * FEET if unit == "ft" else metres


# The environment, read by the flow and given to the task.
@flow
def height_in(unit: str) -> float:
    os.environ["ZOO_HEIGHT_UNIT"] = unit
    return converted(2.0, os.environ["ZOO_HEIGHT_UNIT"])


HEADER = ("day", "rain")


@task
def header() -> tuple[str, ...]:
    return HEADER


@task
def titled(columns: tuple[str, ...]) -> list[str]:
    return [column.title() for column in columns]


@task
def width(columns: tuple[str, ...]) -> int:
    return len(columns)


# A global tuple shared by two tasks: nobody can change it.
@flow
def header_report() -> list[object]:
    columns = header()
    return [titled(columns), width(columns), columns]


@task(target=None)
def register(name: str, registry: dict[str, int]) -> None:
    registry[name] = len(name)


# An effect of a task that is never kept, on what belongs to the flow.
@flow
def registered(names: list[str]) -> dict[str, int]:
    registry: dict[str, int] = {}
    for name in names:
        register(name, registry)
    return registry


@task
def in_root(name: str) -> str:
    with contextlib.chdir("/"):
        return os.path.abspath(name)


# The current folder, changed and put back; of the folder itself the result has nothing.
@flow
def root_names() -> list[str]:
    return load(in_root.map(["a", "b"]))


@task
def third(digits: int) -> str:
    with decimal.localcontext() as here:
        here.prec = digits
        return str(decimal.Decimal(1) / 3)


# A context of decimal that ends with the task.
@flow
def thirds() -> list[str]:
    return [third(3), third(5)]


@task
def old_way(value: int) -> int:
    warnings.warn("old", UserWarning, stacklevel=2)
    return value


# A warning that nobody looks at.
@flow
def old_values() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load(old_way(1)) + load(old_way(1))


@task(retries=2, retry_delay_seconds=60, timeout_seconds=60)
def calm(value: int) -> int:
    return value


# Retries and a timeout that are not needed.
@flow
def calm_values() -> list[int]:
    return [calm(1), calm(2)]


CORRECT = [
    Correct(root_names),
    Correct(thirds),
    Correct(old_values),
    Correct(calm_values),
    Correct(shuffled_rows),
    Correct(noise_of, [(1,), (2,)]),
    Correct(sum_of, [([1, 2],)]),
    Correct(name_lengths, [(["ann", "robert"],)]),
    Correct(height_in_feet),
    Correct(countries),
    Correct(growths),
    Correct(upper_names),
    Correct(parsed_lines),
    Correct(height_in, [("m",), ("ft",)]),
    Correct(header_report),
    Correct(registered, [(["ann", "robert"],)]),
]
