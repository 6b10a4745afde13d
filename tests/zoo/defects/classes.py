"""Classes and modules whose attributes tasks read or change."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from specimens import Defect

from prefectx import context, flow, load, task


class Counter:
    n = 0


@task
def count(name: str) -> str:
    Counter.n += 1
    return name.upper()


# a class attribute that is counted up; warm: nobody counts.
@flow
def counted() -> int:
    Counter.n = 0
    load([count("a"), count("b")])
    return Counter.n


class Number:
    last: ClassVar[int] = 0

    def __init__(self, name: str) -> None:
        type(self).last += 1
        self.name, self.number = name, self.last

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


@task
def numbered(name: str) -> int:
    return Number(name).number


# objects are numbered; lost, the second alone: it has the number 1.
@flow
def numbers() -> list[int]:
    Number.last = 0
    return load([numbered("a"), numbered("b")])


class Plugin:
    known: ClassVar[list[str]] = []

    def __init__(self, name: str) -> None:
        self.known.append(name)


@task
def make_plugin(name: str) -> str:
    Plugin(name)
    return name


# instances that register themselves; warm: none does.
@flow
def plugins() -> list[str]:
    Plugin.known.clear()
    load([make_plugin("csv"), make_plugin("json")])
    return [*Plugin.known]


class Sensor:
    def read(self) -> float:
        return 1.5


@task
def calibrate(offset: float) -> float:
    Sensor.read = lambda self: 1.5 + offset  # type: ignore[method-assign]
    return offset


# a class is patched; warm: it is not.
@flow
def reading() -> float:
    Sensor.read = lambda self: 1.5  # type: ignore[method-assign]
    calibrate(0.5)
    return Sensor().read()


class Units:
    factor = 1.0


@task
def converted(metres: float) -> float:
    return metres * Units.factor


# a plain class attribute; second call.
@flow
def in_units(factor: float) -> float:
    Units.factor = factor
    return converted(2.0)


conf = ModuleType("zoo_conf")
conf.RATE = 1.0  # type: ignore[attr-defined]
sys.modules["zoo_conf"] = conf


@task
def priced(amount: float) -> float:
    return amount * conf.RATE  # type: ignore[no-any-return]


# an attribute of a module; second call.
@flow
def price(rate: float) -> float:
    conf.RATE = rate  # type: ignore[attr-defined]
    return priced(10.0)


OPTIONS = SimpleNamespace(digits=2)


def rounded(value: float, options: Any = OPTIONS) -> float:
    digits: int = options.digits
    return round(value, digits)


@task
def third_of(value: float) -> float:
    return rounded(value / 3)


# an object in a helper's default; second call.
@flow
def thirds(digits: int) -> float:
    OPTIONS.digits = digits
    return third_of(1.0)


@task
def shout(text: str) -> str:
    from prefectx import gcontext

    return text + str(gcontext["mark"])


# a name of the context; second call.
@flow
def shouted(mark: str) -> str:
    with context(mark=mark):
        return load(shout("a"))


@task
def summed(values: list[float]) -> str:
    with np.errstate():
        return str(np.array(values) / 3)


# options of numpy; second call.
@flow
def text_of(digits: int) -> str:
    with np.printoptions(precision=digits):
        return load(summed([1.0, 2.0]))


DEFECTS = [
    Defect(counted, "side-effect", ("count", "Counter.n")),
    Defect(numbers, "side-effect", ("numbered", "Number.last")),
    Defect(plugins, "side-effect", ("make_plugin", "Plugin.known")),
    Defect(reading, "side-effect", ("calibrate", "Sensor.read")),
    Defect(in_units, "hidden-input", ("converted", "Units.factor"), [(1.0,), (3.0,)]),
    Defect(price, "hidden-input", ("priced", "conf.RATE"), [(1.0,), (1.2,)]),
    Defect(thirds, "hidden-input", ("third_of", "options"), [(2,), (3,)]),
    Defect(shouted, "hidden-input", ("shout", "mark"), [("!",), ("?",)]),
    Defect(text_of, "hidden-input", ("summed", "numpy"), [(2,), (4,)]),
]
