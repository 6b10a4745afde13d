"""Arguments that look alike, and code that uses what is set on functions and classes."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np
import pandas as pd
from specimens import Correct

from prefectx import Item, flow, load, task


@task
def missing_file(error: OSError) -> str:
    return str(error.filename)


# Errors that differ in what is not among their arguments.
@flow
def missing_files() -> list[str]:
    errors = [FileNotFoundError(2, "No such file", name) for name in ("north", "south")]
    return load(missing_file.map(errors))


@task
def brightest(picture: np.ndarray[Any, Any]) -> int:
    return int(picture.argmax())


# Pictures with one other pixel.
@flow
def brightest_pixels() -> list[int]:
    dark = np.zeros((64, 64), "u1")
    pictures = [dark.copy() for _ in range(3)]
    for number, picture in enumerate(pictures):
        picture[30, number] = 1
    return [brightest(picture) for picture in pictures]


@task
def last_word(text: str) -> str:
    return text.rpartition(" ")[2]


# Long texts and tables that differ at their end alone.
@flow
def endings() -> list[Any]:
    texts = ["word " * 30_000 + name for name in ("north", "south")]
    frames = [pd.DataFrame({"a": [*range(3_000), last]}) for last in (1, 2)]
    return [[last_word(text) for text in texts], [last_row(frame) for frame in frames]]


@task
def last_row(frame: pd.DataFrame) -> int:
    return int(frame["a"].iloc[-1])


def scaler(factor: int) -> type[Any]:
    class Scaler:
        def scale(self, x: int) -> int:
            return factor * x

    return Scaler


@task
def use(kind: type[Any], x: int) -> int:
    return int(kind().scale(x))


# Classes of one name that a function has made.
@flow
def scaled() -> list[int]:
    return [use(scaler(factor), 10) for factor in (2, 3)]


class Shape(abc.ABC):  # noqa: B024 - others register with it
    """A shape."""

    corners = 0


class Triangle(Shape):
    corners = 3


class Legacy:
    corners = 4


Shape.register(Legacy)


def is_large(x: int) -> bool:
    return bool(x > is_large.limit)  # type: ignore[attr-defined]


is_large.limit = 3  # type: ignore[attr-defined]


@task
def known(x: int) -> list[Any]:
    """Return what is set elsewhere."""
    kinds = [kind.corners for kind in Shape.__subclasses__()]
    return [is_large(x), kinds, issubclass(Legacy, Shape), Shape.__doc__]


# Attributes of functions, registered and derived classes, docstrings that are data.
@flow
def what_is_known() -> list[Any]:
    return load(known.map([1, 5]))


@task(target="{funcname}/{x}")
def square(x: int) -> int:
    return x * x


# An Item that is held while its call makes its output once more.
@flow
def held(x: int) -> int:
    first: Any = square(x)
    if isinstance(first, Item):
        first.delete()
    square(x)
    return int(load(first)) + 1


CORRECT = [
    Correct(missing_files),
    Correct(brightest_pixels),
    Correct(endings),
    Correct(scaled),
    Correct(what_is_known),
    Correct(held, [(2,), (3,)]),
]
