"""State that a library keeps for the whole process, read by tasks; second call, each."""

from __future__ import annotations

import csv
import decimal
import io
import locale
import random
import sqlite3
import sys

import numpy as np
import pandas as pd
from specimens import Defect

from prefectx import flow, load, task


@task
def drawn(size: int) -> list[float]:
    return [float(each) for each in np.random.random(size)]  # noqa: NPY002


# numpy's own generator, not seeded.
@flow
def draws() -> list[float]:
    return drawn(3)


@task
def shown(size: int) -> str:
    return repr(pd.DataFrame({"x": range(size)}))


@flow
def table_text(most: int) -> str:
    with pd.option_context("display.max_rows", most):
        return load(shown(20))


@task
def as_csv(rows: list[list[int]]) -> str:
    text = io.StringIO()
    csv.writer(text, "zoo").writerows(rows)
    return text.getvalue()


@flow
def csv_text(delimiter: str) -> str:
    csv.register_dialect("zoo", delimiter=delimiter)
    try:
        return load(as_csv([[1, 2]]))
    finally:
        csv.unregister_dialect("zoo")


@task
def seventh(value: int) -> str:
    return str(decimal.Decimal(value) / 7)


@flow
def sevenths(digits: int) -> str:
    with decimal.localcontext() as here:
        here.prec = digits
        return load(seventh(1))


@task
def ordered(words: list[str]) -> list[str]:
    return [*sorted(words, key=locale.strxfrm), locale.setlocale(locale.LC_CTYPE)]


@flow
def in_locale(name: str) -> list[str]:
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, name)
    try:
        return load(ordered(["b", "A", "a", "B"]))
    finally:
        locale.setlocale(locale.LC_ALL, before)


DATABASE = sqlite3.connect(":memory:", check_same_thread=False)
DATABASE.execute("create table if not exists rain (mm real)")


@task
def total() -> float:
    return float(DATABASE.execute("select coalesce(sum(mm), 0) from rain").fetchone()[0])


# a database in memory.
@flow
def rain(mm: float) -> float:
    DATABASE.execute("delete from rain")
    DATABASE.execute("insert into rain values (?)", (mm,))
    return total()


@task
def drawn_by(size: int) -> list[float]:
    return [random.random() for _ in range(size)]  # noqa: S311


# seeded by the flow; second call.
@flow
def seeded(seed: int) -> list[float]:
    random.seed(seed)
    return drawn_by(2)


@task
def divided(value: float) -> float:
    try:
        return float(np.float64(value) / np.float64(0))
    except FloatingPointError:
        return -1.0


@flow
def divisions(how: str) -> float:
    with np.errstate(divide=how):  # type: ignore[arg-type]
        return load(divided(1.0))


@task
def arguments_of_script(size: int) -> list[str]:
    return sys.argv[:size]


@flow
def called_as(name: str) -> list[str]:
    before, sys.argv = sys.argv, [name]
    try:
        return load(arguments_of_script(1))
    finally:
        sys.argv = before


DEFECTS = [
    Defect(called_as, "hidden-input", ("arguments_of_script", "sys.argv"), [("a",), ("b",)]),
    Defect(draws, "not-deterministic", ("drawn", "random")),
    Defect(table_text, "hidden-input", ("shown", "pandas"), [(4,), (10,)]),
    Defect(csv_text, "hidden-input", ("as_csv", "csv"), [(",",), (";",)]),
    Defect(sevenths, "hidden-input", ("seventh", "decimal"), [(3,), (5,)]),
    Defect(in_locale, "hidden-input", ("ordered", "locale"), [("C",), ("C.UTF-8",)]),
    Defect(rain, "hidden-input", ("total", "DATABASE"), [(1.0,), (2.0,)]),
    Defect(seeded, "hidden-input", ("drawn_by", "random"), [(1,), (2,)]),
    Defect(divisions, "hidden-input", ("divided", "numpy"), [("ignore",), ("raise",)]),
]
