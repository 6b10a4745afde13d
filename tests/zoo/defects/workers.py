"""State that does not reach, or come back from, the threads and processes of task runners."""

from __future__ import annotations

import csv
import signal
import sqlite3
import threading
from contextvars import ContextVar
from typing import Any

from specimens import Defect

from prefectx import flow, load, task, unmapped

PREFECT = ("function", "prefect")


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


DATABASE = sqlite3.connect(":memory:")


@task(target=None)
def counted(sql: str) -> int:
    return int(DATABASE.execute(sql).fetchone()[0])


# thread-local; in `prefect` a connection of SQLite may be used in its own thread alone.
@flow
def counts() -> int:
    return load(counted.submit("select 42"))


@task(target=None)
def first_row(cursor: Any) -> int:
    return int(cursor.fetchone()[0])


# thread-local; the same for a cursor that is an argument.
@flow
def first_of_table() -> int:
    return load(first_row.submit(unmapped(DATABASE.execute("select 42"))))


@task(target=None)
def handled(number: int) -> bool:
    before = signal.signal(number, signal.SIG_DFL)
    signal.signal(number, before)
    return True


# thread-local; only the main thread may set handlers of signals.
@flow
def handles_signals() -> bool:
    return load(handled.submit(signal.SIGUSR1))


@task(target=None)
def is_main(_: int) -> bool:
    return threading.current_thread() is threading.main_thread()


# thread-local; asked which thread it is.
@flow
def in_main_thread() -> list[bool]:
    return load(is_main.map([1, 2]))


USER: ContextVar[str] = ContextVar("zoo_user", default="nobody")


@task(target=None)
def log_in(name: str) -> None:
    USER.set(name)


# thread-local; what a task sets in its own context, the flow does not see.
@flow
def user() -> str:
    log_in.submit("ann").wait()
    return USER.get()


DEFECTS = [
    Defect(
        checked_in_processes,
        "exception",
        ("checked", "BadRow"),
        [(["mon,1", "tue"],)],
        PREFECT,
    ),
    Defect(labels, "thread-local", ("labelled", "LOCAL"), [("ft",)], PREFECT),
    Defect(counts, "thread-local", ("counted", "ProgrammingError"), modes=PREFECT),
    Defect(first_of_table, "thread-local", ("first_row", "ProgrammingError"), modes=PREFECT),
    Defect(handles_signals, "thread-local", ("handled", "main thread"), modes=PREFECT),
    Defect(in_main_thread, "thread-local", ("is_main",), modes=PREFECT),
    Defect(user, "thread-local", ("user",), modes=PREFECT),
]
