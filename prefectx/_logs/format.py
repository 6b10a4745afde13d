"""A line of log: time, level, run, logger, file and line, message; the same in every mode."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Final

PLAIN_RUNS: Final = "prefectx.runs"
PREFECTX: Final = os.path.dirname(os.path.dirname(__file__)) + os.sep

# As Prefect has it for loggers that are no run's.
STANDARD: Final = "%(asctime)s.%(msecs)03d | %(levelname)-7s | %(name)s - %(message)s"
TIME: Final = "%H:%M:%S"

Names = Callable[[], Mapping[str, str]]
"""Gives the names of the run under way, as `task_run_name`, where a record does not bear them."""


class Lines(logging.Formatter):
    """Formats what runs log; leaves every other record to another formatter.

    Args:
        is_a_runs: Tells whether a record is logged by a run's own code.
        names: Gives the names of the run under way.
        others: Formats the other records.
    """

    def __init__(
        self,
        is_a_runs: Callable[[logging.LogRecord], bool],
        names: Names,
        others: logging.Formatter,
    ) -> None:
        super().__init__(STANDARD, TIME)
        self._is_a_runs: Final = is_a_runs
        self._names: Final = names
        self.others: Final = others

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the traceback if there is one."""
        return super().format(record) if self._is_a_runs(record) else self.others.format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line without a traceback."""
        when = f"{record.asctime}.{record.msecs:03.0f} | {record.levelname:<7} | "
        return when + located(record, self._names)


class Messages(Lines):
    """The same without time and level, which whoever shows the message has by itself."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line without time, level and traceback."""
        return located(record, self._names)


def located(record: logging.LogRecord, names: Names) -> str:
    """Return the message after its run, its logger unless that is the run's, and its place."""
    own = record.__dict__
    run = _run(own) or _run(names())
    logger = "" if "task_run_name" in own or "flow_run_name" in own else record.name
    logger = "" if record.name == PLAIN_RUNS else logger
    # What prefectx says of a run has no place in the user's code.
    own_words = record.pathname.startswith(PREFECTX)
    place = "" if own_words else f"{record.filename}:{record.lineno}"
    where = " | ".join(filter(None, (run, logger, place)))
    return f"{where} - {record.message}" if where else record.message


def _run(names: Mapping[str, str]) -> str:
    if task := names.get("task_run_name"):
        return f"Task run {task!r}"
    flow = names.get("flow_run_name")
    return f"Flow run {flow!r}" if flow else ""
