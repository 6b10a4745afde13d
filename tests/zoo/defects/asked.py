"""Flows that only ask a result what it is, and go another way if it is an Item; cold, each."""

from __future__ import annotations

import csv
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial, singledispatch
from typing import Any

import numpy as np
from specimens import Defect

from prefectx import flow, task


@task
def rain(day: int) -> float:
    return 1.5 * day


@task
def codes(station: str) -> list[str]:
    return [station, station.upper()]


@singledispatch
def shown(value: Any) -> str:
    return f"? {type(value).__name__}"


@shown.register
def _(value: float) -> str:
    return f"{value:.1f} mm"


# functools asks for the class.
@flow
def shown_rain() -> str:
    return shown(rain(3))


# a partial function that asks.
@flow
def is_list() -> bool:
    return partial(isinstance, codes("a"))(list)


# numpy keeps what it does not know as an object.
@flow
def kind_of_array() -> str:
    return np.array([rain(1), rain(2)]).dtype.name


# a default of json for what it does not know.
@flow
def days_as_json() -> str:
    return json.dumps({"days": [rain(1), rain(2)]}, default=lambda _: "unknown")


# csv writes the text of anything.
@flow
def written_line() -> str:
    line = io.StringIO()
    csv.writer(line).writerow(["rain", rain(1)])
    return line.getvalue()


# an error that is swallowed.
@flow
def total_of_good_days() -> float:
    total = 0.0
    for day in (1, 2):
        try:
            total += rain(day)
        except Exception:  # noqa: S112 - the defect
            continue
    return total


# a pool of the flow's own, whose results are asked for their type.
@flow
def all_are_numbers() -> bool:
    with ThreadPoolExecutor(2) as pool:
        return all(type(each) is float for each in pool.map(rain, [1, 2]))


# a pattern on the text of a result.
@flow
def begins_with_code() -> bool:
    return re.match(r"\['a'", str(codes("a"))) is not None


# printed into a text.
@flow
def printed_text() -> str:
    text = io.StringIO()
    print(codes("a"), file=text)
    return text.getvalue()


DEFECTS = [
    Defect(shown_rain, "not-loaded", ("rain", "load")),
    Defect(is_list, "not-loaded", ("codes", "load")),
    Defect(kind_of_array, "not-loaded", ("rain", "load")),
    Defect(days_as_json, "not-loaded", ("rain", "load")),
    Defect(written_line, "not-loaded", ("rain", "load")),
    Defect(total_of_good_days, "not-loaded", ("rain", "load")),
    Defect(all_are_numbers, "not-loaded", ("rain", "load")),
    Defect(begins_with_code, "not-loaded", ("codes", "load")),
    Defect(printed_text, "not-loaded", ("codes", "load")),
]
