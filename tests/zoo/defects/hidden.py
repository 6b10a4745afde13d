"""Results that depend on what is no argument: a target does not know of it."""

from __future__ import annotations

import contextlib
import decimal
import glob
import os
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from specimens import Defect

from prefectx import flow, load, task

if TYPE_CHECKING:
    from prefectx._api.task import Task

FEET = 3.28084


@task
def height(metres: float) -> float:
    return metres * FEET if os.environ.get("ZOO_UNIT") == "ft" else metres


# environment variable; second call: the height in metres is kept.
@flow
def height_in(unit: str) -> float:
    os.environ["ZOO_UNIT"] = unit
    return height(2.0)


@task
def count_tables() -> int:
    return len(glob.glob("*.csv"))


# current folder; second call: the number of tables in the first folder is stored.
@flow
def tables_in(folder: str) -> int:
    os.makedirs(folder, exist_ok=True)
    with contextlib.chdir(folder):
        for letter in folder:
            Path(f"{letter}.csv").touch()
        return count_tables()


SETTINGS: dict[str, str] = {}


@task(target=None)
def read_settings(unit: str) -> None:
    SETTINGS["unit"] = unit


@task
def labelled(value: float) -> str:
    return f"{value} {SETTINGS['unit']}"


# global that another task sets (which always runs); second call: the label with mm is kept.
@flow
def label_in(unit: str) -> str:
    read_settings(unit)
    return labelled(5.0)


LABELS = {"next": 0}


@task
def numbered(name: str) -> str:
    LABELS["next"] += 1
    return f"{LABELS['next']}-{name}"


# module-level counter; cold: the third call is a hit within the run, and gives the first number.
@flow
def numbered_names(names: list[str]) -> list[str]:
    LABELS["next"] = 0
    return [numbered(name) for name in names]


def scaling(factor: float) -> Task[[float], float]:
    @task
    def scale(value: float) -> float:
        return value * factor

    return scale


# closure variable; second call: the other factor's result is kept.
@flow
def scaled(factor: float) -> float:
    return scaling(factor)(10.0)


class Smoothing:
    alpha = 0.5

    def __init__(self, start: float) -> None:
        self.start = start

    @task
    def smooth(self, values: list[float]) -> float:
        level = self.start
        for value in values:
            level += self.alpha * (value - level)
        return level


# class attribute; second call: the base is made from the object's own attributes alone.
@flow
def smoothed(alpha: float) -> float:
    Smoothing.alpha = alpha
    return Smoothing(0.0).smooth([1.0, 2.0])


LANGUAGE: ContextVar[str] = ContextVar("zoo_language", default="en")


@task
def greeting(name: str) -> str:
    return {"en": "hello", "de": "hallo"}[LANGUAGE.get()] + " " + name


# context variable; second call: the greeting in English is kept.
@flow
def greeting_in(language: str) -> str:
    LANGUAGE.set(language)
    return greeting("marvin")


@task
def share(part: int, whole: int) -> decimal.Decimal:
    return decimal.Decimal(part) / decimal.Decimal(whole)


# decimal's precision; second call: the share with three digits is kept.
@flow
def share_with(digits: int) -> decimal.Decimal:
    with decimal.localcontext(prec=digits):
        return share(1, 3)


@task
def count_words(path: str) -> int:
    return len(Path(path).read_text().split())


# content of a file; second call: the path is the same, so the number of words is kept.
@flow
def words_in(text: str) -> int:
    Path("in.txt").write_text(text)
    return count_words("in.txt")


def _offset() -> float:
    return OFFSETS[-1]


OFFSETS: list[float] = []


@task
def corrected(value: float) -> float:
    return value + _offset()


# global that a helper reads; second call: the value with the first offset is kept.
@flow
def corrected_by(offset: float) -> dict[str, float]:
    OFFSETS[:] = [offset]
    return {"offset": offset, "value": load(corrected(1.0))}


DEFECTS = [
    Defect(height_in, "hidden-input", ("height", "ZOO_UNIT"), [("m",), ("ft",)]),
    Defect(tables_in, "hidden-input", ("count_tables",), [("north",), ("sea",)]),
    Defect(label_in, "hidden-input", ("labelled", "SETTINGS"), [("mm",), ("inch",)]),
    Defect(numbered_names, "hidden-input", ("numbered", "LABELS"), [(["a", "b", "a"],)]),
    Defect(scaled, "hidden-input", ("scale", "factor"), [(2.0,), (3.0,)]),
    Defect(smoothed, "hidden-input", ("smooth", "alpha"), [(0.5,), (0.1,)]),
    Defect(greeting_in, "hidden-input", ("greeting", "LANGUAGE"), [("en",), ("de",)]),
    Defect(share_with, "hidden-input", ("share",), [(3,), (6,)]),
    Defect(words_in, "hidden-input", ("count_words", "in.txt"), [("one two",), ("one two three",)]),
    Defect(corrected_by, "hidden-input", ("corrected", "OFFSETS"), [(0.5,), (1.5,)]),
]
