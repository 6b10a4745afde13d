"""Flows whose body computes on a result without `load`; cold, each: it has an Item in `cache`."""

from __future__ import annotations

from specimens import Defect

from prefectx import flow, task


@task
def total(values: list[int]) -> int:
    return sum(values)


@task
def rows(size: int) -> list[int]:
    return [size - number for number in range(size)]


@task
def is_valid(values: list[int]) -> bool:
    return all(value > 0 for value in values)


@task
def read_config(site: str) -> dict[str, str]:
    return {"site": site, "unit": "mm"}


# TypeError.
@flow
def total_and_one() -> int:
    return total([1, 2]) + 1


# silent: the text names the Item.
@flow
def total_text() -> str:
    return f"total: {total([1, 2])}"


# TypeError.
@flow
def large_total() -> str:
    if total([1, 2]) > 3:
        return "large"
    return "small"


# TypeError.
@flow
def sorted_rows() -> list[int]:
    return sorted(rows(3))


# silent: every Item is true.
@flow
def validity() -> str:
    return "valid" if is_valid([1, -2]) else "invalid"


# silent: no Item equals a number.
@flow
def is_total_three() -> bool:
    return total([1, 2]) == 3


# TypeError.
@flow
def config_unit() -> str:
    return read_config("north")["unit"]


# TypeError: the futures of `cache` have Items as results.
@flow
def sum_of_futures() -> int:
    return sum(future.result() for future in total.map([[1], [2, 3]]))


DEFECTS = [
    Defect(total_and_one, "not-loaded", ("total", "load")),
    Defect(total_text, "not-loaded", ("total", "load")),
    Defect(large_total, "not-loaded", ("total", "load")),
    Defect(sorted_rows, "not-loaded", ("rows", "load")),
    Defect(validity, "not-loaded", ("is_valid", "load")),
    Defect(is_total_three, "not-loaded", ("total", "load")),
    Defect(sum_of_futures, "not-loaded", ("total", "load")),
    Defect(config_unit, "not-loaded", ("read_config", "load")),
]
