"""Arguments that a task changes where a look at their attributes does not show it."""

from __future__ import annotations

import io
import itertools
import queue
from functools import cached_property
from typing import TYPE_CHECKING, Any

from specimens import Defect

from prefectx import flow, load, task

if TYPE_CHECKING:
    from collections.abc import Iterator


@task(target="out/{funcname}/{size}")
def header(file: Any, size: int) -> str:
    return str(file.read(size))


# an open file, read on; warm: it is read from its beginning.
@flow
def body() -> str:
    file = io.StringIO("day,rain\nmon,1.5\n")
    load(header(file, 9))
    return file.read()


@task(target="out/{funcname}/{name}")
def drained(jobs: Any, name: str) -> list[int]:
    taken: list[int] = []
    while not jobs.empty():
        taken.append(jobs.get())
    return taken


# a queue, drained; warm: it is full.
@flow
def left_over() -> int:
    jobs: queue.Queue[int] = queue.Queue()
    for number in range(3):
        jobs.put(number)
    load(drained(jobs, "all"))
    return jobs.qsize()


class Table:
    def __init__(self, rows: list[int]) -> None:
        self.rows = rows

    @cached_property
    def doubled(self) -> list[int]:
        return [2 * row for row in self.rows]


@task(target="out/{funcname}/{len(table.rows)}")
def median(table: Table) -> int:
    table.doubled.sort()
    return table.doubled[len(table.doubled) // 2]


# a cached property, sorted in place; warm: it is as it was.
@flow
def first_doubled() -> int:
    table = Table([3, 1, 2])
    load(median(table))
    return table.doubled[0]


@task(target="out/{funcname}/{size}")
def taken(numbers: Iterator[int], size: int) -> list[int]:
    return list(itertools.islice(numbers, size))


# an iterator, used up; warm: it is not.
@flow
def the_rest() -> list[int]:
    numbers = iter([1, 2, 3, 4])
    load(taken(numbers, 2))
    return list(numbers)


@task(target="out/{funcname}/{size}")
def counted_on(numbers: Any, size: int) -> list[int]:
    return [next(numbers) for _ in range(size)]


# a counter, counted on.
@flow
def next_number() -> int:
    numbers = itertools.count(1)
    load(counted_on(numbers, 3))
    return next(numbers)


DEFECTS = [
    Defect(body, "changes-argument", ("header", "file")),
    Defect(left_over, "changes-argument", ("drained", "jobs")),
    Defect(first_doubled, "changes-argument", ("median", "table")),
    Defect(the_rest, "changes-argument", ("taken", "numbers")),
    Defect(next_number, "changes-argument", ("counted_on", "numbers")),
]
