"""Functions and methods of modules and classes that a task replaces; warm: they are not."""

from __future__ import annotations

import functools
import logging
import statistics
import textwrap
from typing import Any

from specimens import Defect

from prefectx import flow, task


@task
def use_trimmed_mean(cut: int) -> int:
    def mean(values: list[float]) -> float:
        return sum(sorted(values)[cut:-cut]) / (len(values) - 2 * cut)

    statistics.mean = mean  # type: ignore[assignment] # pyright: ignore[reportAttributeAccessIssue]
    return cut


# a function of a module of Python's.
@flow
def trimmed_mean() -> float:
    use_trimmed_mean(1)
    return statistics.mean([1.0, 2.0, 90.0])


@task
def use_capitals(width: int) -> int:
    def fill(self: textwrap.TextWrapper, text: str) -> str:
        return "\n".join(self.wrap(text)).upper()

    textwrap.TextWrapper.fill = fill  # type: ignore[method-assign]
    return width


# a method of a library's class, which the flow reaches through its module.
@flow
def capitals() -> str:
    use_capitals(10)
    return textwrap.TextWrapper(10).fill("rain in May")


class Report:
    kinds: dict[str, type] = {}  # noqa: RUF012 - the defect

    def __init_subclass__(cls) -> None:
        Report.kinds[cls.__name__] = cls


@task
def define_report(name: str) -> str:
    type(name, (Report,), {})
    return name


# a class that registers itself as it is defined.
@flow
def known_reports() -> list[str]:
    define_report("Monthly")
    return sorted(Report.kinds)


class Sensor:
    made = 0

    def __init__(self, name: str) -> None:
        self.name = name
        type(self).made += 1


@task
def calibrate(name: str) -> str:
    return Sensor(name).name.upper()


# a class that counts its objects.
@flow
def sensors_made() -> int:
    calibrate("north")
    calibrate("south")
    return Sensor.made


@task
def log_to_memory(site: str) -> str:
    logging.getLogger("zoo.sites").addHandler(logging.NullHandler())
    return site


# a handler of logs that a task adds each time.
@flow
def number_of_handlers() -> int:
    log_to_memory("north")
    return len(logging.getLogger("zoo.sites").handlers)


def survey() -> Any:
    visited: list[str] = []

    @task
    def visit(site: str) -> str:
        visited.append(site)
        return site

    @flow
    def sites_visited() -> int:
        visit("north")
        return len(visited)

    return sites_visited


@functools.lru_cache
def parsed(text: str) -> int:
    return int(text)


@task
def parse_all(texts: list[str]) -> list[int]:
    return [parsed(text) for text in texts]


# what a helper's cache has kept.
@flow
def texts_parsed() -> int:
    parse_all(["1", "2", "1"])
    return parsed.cache_info().currsize


DEFECTS = [
    Defect(trimmed_mean, "side-effect", ("use_trimmed_mean", "statistics.mean")),
    Defect(capitals, "side-effect", ("use_capitals",)),
    Defect(known_reports, "side-effect", ("define_report",)),
    Defect(number_of_handlers, "side-effect", ("log_to_memory", "the handlers of logging")),
    # a variable of the function around both, which no trial puts back.
    Defect(survey(), "side-effect", ("visit", "enclosing variable visited")),
    Defect(sensors_made, "side-effect", ("calibrate",)),
    Defect(texts_parsed, "side-effect", ("parse_all",)),
]
