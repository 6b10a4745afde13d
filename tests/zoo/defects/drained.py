"""Arguments that a task uses up or fills while it only reads them; warm: it does not."""

from __future__ import annotations

import io
import itertools
from collections import defaultdict, deque
from collections.abc import Iterator

from specimens import Defect

from prefectx import flow, task


@task(target="working/{funcname}")
def first_two(numbers: Iterator[int]) -> list[int]:
    return list(itertools.islice(numbers, 2))


# an iterator.
@flow
def other_numbers() -> list[int]:
    numbers = iter([1, 2, 3, 4])
    first_two(numbers)
    return list(numbers)


@task(target="working/{funcname}")
def title(page: io.StringIO) -> str:
    return page.readline()


# a text that is open.
@flow
def text_below() -> str:
    page = io.StringIO("Rain\nIn May\n")
    title(page)
    return page.read()


@task
def size_by_turns(stations: deque[str]) -> int:
    stations.rotate(1)
    return len(stations)


# a deque.
@flow
def next_station() -> str:
    stations = deque(["a", "b", "c"])
    size_by_turns(stations)
    return stations[0]


@task
def rain_at(rain: defaultdict[str, float], station: str) -> float:
    return rain[station]


# a look-up that adds what it looks up.
@flow
def number_of_stations() -> int:
    rain = defaultdict(float, north=1.0)
    rain_at(rain, "south")
    return len(rain)


class Budget:
    """Two budgets are equal, whatever is left."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Budget)

    def __hash__(self) -> int:
        return 1


@task(target="working/{funcname}")
def spend(budget: Budget, amount: int) -> int:
    budget.left -= amount
    return amount


# a change that `==` does not see.
@flow
def money_left() -> int:
    budget = Budget(9)
    spend(budget, 4)
    return budget.left


DEFECTS = [
    Defect(other_numbers, "changes-argument", ("first_two", "numbers")),
    Defect(text_below, "changes-argument", ("title", "page")),
    Defect(next_station, "changes-argument", ("size_by_turns", "stations")),
    Defect(number_of_stations, "changes-argument", ("rain_at", "rain")),
    Defect(money_left, "changes-argument", ("spend", "budget")),
]
