"""State that does not reach, or come back from, the threads and processes of task runners."""

from __future__ import annotations

import csv
import threading
from typing import Any

from specimens import Defect

from prefectx import flow, load, task


class BadRow(Exception):
    def __init__(self, reader: Any, reason: str) -> None:
        super().__init__(f"line {reader.line_num}: {reason}")
        self.reader = reader


@task(target=None)
def checked(lines: list[str], width: int) -> int:
    reader = csv.reader(lines)
    for row in reader:
        if len(row) != width:
            raise BadRow(reader, f"not {width} columns")
    return reader.line_num


@flow
def check_lines(lines: list[str]) -> int:
    return load(checked.submit(lines, 2))


# exception; in `prefect` it cannot leave the process of the task, for it holds a csv.reader.
# (Of a class that cannot be called with `args` alone it would do, but for distributed's tblib.)
@flow
def checked_in_processes(lines: list[str]) -> int:
    from prefect.task_runners import ProcessPoolTaskRunner

    return check_lines.with_options(task_runner=ProcessPoolTaskRunner(max_workers=1))(lines)


LOCAL = threading.local()


@task(target=None)
def set_unit(unit: str) -> None:
    LOCAL.unit = unit


@task(target=None)
def labelled(value: float) -> str:
    return f"{value} {getattr(LOCAL, 'unit', 'm')}"


# thread-local; in `prefect` the submitted task runs in a thread where no unit was set.
@flow
def labels(unit: str) -> list[str]:
    set_unit(unit)
    return load(labelled.map([1.0, 2.0]))


DEFECTS = [
    Defect(
        checked_in_processes,
        "exception",
        ("checked", "BadRow"),
        [(["mon,1", "tue"],)],
        ("function", "prefect"),
    ),
    Defect(labels, "thread-local", ("labelled", "LOCAL"), [("ft",)], ("function", "prefect")),
]
