"""The format of log lines: time, level, run, logger, place and message, in every mode."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Final

from prefectx._settings.script import main_file

RUN_LOGGER: Final = "prefectx.runs"
PREFECTX: Final = os.path.dirname(os.path.dirname(__file__)) + os.sep

# Prefect's format for loggers that do not belong to a run.
STANDARD: Final = "%(asctime)s.%(msecs)03d | %(levelname)-7s | %(name)s - %(message)s"
# The file name that cloudpickle gives to code pickled by value: that of a script.
_BY_VALUE: Final = "<dynamic-code>"
TIME: Final = "%H:%M:%S"

Names = Callable[[], Mapping[str, str]]
"""Returns the names of the current run, as `task_run_name`, for a record without them."""


class RunFormatter(logging.Formatter):
    """Formats the records of runs; leaves other records to another formatter.

    Args:
        is_a_runs: Tells whether a run's own code has logged a record.
        names: Returns the names of the current run.
        others: The formatter of other records.
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
        return when + message_with_place(record, self._names)


class MessageFormatter(RunFormatter):
    """Formats records without time and level, which Prefect's API shows separately."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line without time, level and traceback."""
        return message_with_place(record, self._names)


def message_with_place(record: logging.LogRecord, names: Names) -> str:
    """Return the message after its run, its logger (unless it is the run's own) and its place."""
    own = record.__dict__
    run = _run(own) or _run(names())
    logger = "" if "task_run_name" in own or "flow_run_name" in own else record.name
    logger = "" if record.name == RUN_LOGGER else logger
    # The place is left out if prefectx itself has logged the record.
    is_ours = record.pathname.startswith(PREFECTX)
    place = "" if is_ours else f"{_file_name(record)}:{record.lineno}"
    where = " | ".join(filter(None, (run, logger, place)))
    return f"{where} - {record.message}" if where else record.message


def _file_name(record: logging.LogRecord) -> str:
    if record.pathname == _BY_VALUE and (file := main_file()) is not None:
        return os.path.basename(file)
    return record.filename


def _run(names: Mapping[str, str]) -> str:
    if task := names.get("task_run_name"):
        return f"Task run {task!r}"
    flow = names.get("flow_run_name")
    return f"Flow run {flow!r}" if flow else ""
