"""Flows that use a result as data without an operator that could notice; cold, each."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any

import pandas as pd
from specimens import Defect

from prefectx import flow, task


@task
def settings(site: str) -> dict[str, Any]:
    return {"site": site, "unit": "mm"}


@task
def first_even(numbers: list[int]) -> int | None:
    return next((number for number in numbers if number % 2 == 0), None)


@task
def status(job: int) -> str:
    return "done" if job % 2 else "failed"


@task
def rows() -> list[int]:
    return [1, 2]


# isinstance asks the class.
@flow
def is_table() -> bool:
    return isinstance(settings("north"), dict)


# `is` asks nobody.
@flow
def has_no_even() -> bool:
    return first_even([1, 3]) is None


# a key that is not in the table.
@flow
def colour() -> str:
    return {"done": "green", "failed": "red"}.get(status(1), "grey")


# TypeError, or a text of the Item.
@flow
def as_json() -> str:
    return json.dumps(settings("north"), default=str)


# Items in cells.
@flow
def frame() -> int:
    table = pd.DataFrame({"status": [status(job) for job in (1, 2, 3)]})
    return len(table[table["status"] == "done"])


@dataclass
class Report:
    rows: Any

    def size(self) -> int:
        return len(self.rows) if isinstance(self.rows, list) else 0


# kept in an object of the flow's own.
@flow
def report_size() -> int:
    return Report(rows()).size()


# Items are as many as there are calls.
@flow
def kinds_of_status() -> int:
    return len({status(job) for job in (1, 3, 5)})


# pandas calls the task, and keeps what it gives.
@flow
def mapped_column() -> list[str]:
    return [str(each) for each in pd.Series([1, 2]).map(status)]


@flow
def type_name() -> str:
    return type(settings("north")).__name__


# a lazy map.
@flow
def lazily_counted() -> int:
    return sum(each is not None for each in map(first_even, [[1], [2], [3]]))


# a generator.
@flow
def any_failed() -> list[bool]:
    return [each == "failed" for each in (status(job) for job in (1, 2))]


# a thread of the flow's own.
@flow
def in_a_thread() -> bool:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(settings("north")))
    thread.start()
    thread.join()
    return isinstance(found[0], dict)


# a callable that only asks.
@flow
def can_be_called() -> list[bool]:
    return [hasattr(rows(), "append"), callable(getattr(rows(), "sort", None))]


# match asks the class too.
@flow
def matched() -> str:
    match settings("north"):
        case {"unit": unit}:
            return str(unit)
        case _:
            return "none"


# `in` asks an Item's own `==`.
@flow
def is_known() -> bool:
    return status(1) in ["done", "failed"]


DEFECTS = [
    Defect(is_table, "not-loaded", ("settings", "load")),
    Defect(has_no_even, "not-loaded", ("first_even", "load")),
    Defect(colour, "not-loaded", ("status", "load")),
    Defect(as_json, "not-loaded", ("settings", "load")),
    Defect(frame, "not-loaded", ("status", "load")),
    Defect(report_size, "not-loaded", ("rows", "load")),
    Defect(kinds_of_status, "not-loaded", ("status", "load")),
    Defect(mapped_column, "not-loaded", ("status", "load")),
    Defect(type_name, "not-loaded", ("settings", "load")),
    Defect(lazily_counted, "not-loaded", ("first_even", "load")),
    Defect(any_failed, "not-loaded", ("status", "load")),
    Defect(in_a_thread, "not-loaded", ("settings", "load")),
    Defect(can_be_called, "not-loaded", ("rows", "load")),
    Defect(matched, "not-loaded", ("settings", "load")),
    Defect(is_known, "not-loaded", ("status", "load")),
]
