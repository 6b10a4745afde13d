"""Logs of runs through Prefect: to its API and on its console, with file and line."""

from __future__ import annotations

import builtins
import logging
import os
from typing import TYPE_CHECKING, Final, TypeGuard

import prefect
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import MissingContextError
from prefect.logging.configuration import ensure_logging_setup
from prefect.logging.formatters import PrefectFormatter
from prefect.logging.handlers import APILogHandler
from prefect.logging.loggers import print_as_log

from prefectx._logs.format import PREFECTX, RUN_LOGGER, STANDARD, MessageFormatter, RunFormatter
from prefectx._logs.handlers import current_selection, is_at_selected_level, is_selected
from prefectx._logs.loggers import standard_logger
from prefectx._logs.run_names import run_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from prefectx._logs.handlers import ProcessLogging
    from prefectx._logs.selection import LogSelection

RUNS: Final = ("prefect.task_runs", "prefect.flow_runs")
_NOT_THE_USERS: Final = (os.path.dirname(prefect.__file__) + os.sep, PREFECTX)


def connect(selection: LogSelection, process: ProcessLogging) -> None:
    """Send the selected lines to Prefect's API and console, in this process.

    It adds to the current configuration and never replaces it, because a task may be running.
    """
    ensure_logging_setup()
    if selection.level is not None:
        for name in RUNS:
            process.level(name, selection.level)
            # A worker may run other flows, which did not select this level.
            process.filter(logging.getLogger(name), is_at_selected_level)
    to_api = _api_handler()
    for name in selection.outermost():
        logger = logging.getLogger(name)
        if not any(isinstance(handler, APILogHandler) for handler in _handlers_of(logger)):
            process.handle(logger, to_api)
    reached = {handler for name in RUNS for handler in _handlers_of(logging.getLogger(name))}
    for handler in reached:
        if isinstance(handler, APILogHandler) and handler.formatter is None:
            process.format(handler, _messages())
        elif _is_as_prefect_made_it(handler.formatter):
            process.format(handler, RunFormatter(_is_a_runs, _names, handler.formatter))
    if builtins.print is not print_as_log:
        # Outside runs it prints. Prefect replaces print while a task with log_prints runs, and
        # the end of one task would restore it for tasks in other threads too.
        process.undo(setattr, builtins, "print", builtins.print)
        builtins.print = print_as_log


def run_logger() -> Any:
    """Return Prefect's logger of the run, or a standard one outside any run."""
    try:
        return prefect.get_run_logger()
    except MissingContextError:
        return standard_logger()


def _api_handler() -> APILogHandler:
    handler = APILogHandler()
    handler.addFilter(is_selected)
    # Prefect warns about each line outside a run, and a library may log at any time.
    handler.addFilter(_in_a_run)
    handler.setFormatter(_messages())
    return handler


def _messages() -> MessageFormatter:
    return MessageFormatter(_is_a_runs, _names, logging.Formatter())


def _handlers_of(logger: logging.Logger | None) -> Iterable[logging.Handler]:
    """Yield the handlers that get the records of `logger`."""
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def _is_as_prefect_made_it(formatter: logging.Formatter | None) -> TypeGuard[PrefectFormatter]:
    # A user's own formats, from variables, files or code, are not changed.
    return (
        isinstance(formatter, PrefectFormatter)
        and formatter._fmt == STANDARD
        and formatter.task_run_fmt == _of_run("Task", "task_run_name")
        and formatter.flow_run_fmt == _of_run("Flow", "flow_run_name")
    )


def _of_run(kind: str, name: str) -> str:
    return STANDARD.replace("%(name)s", f"{kind} run %({name})r")


def _in_a_run(_: logging.LogRecord) -> bool:
    return TaskRunContext.get() is not None or FlowRunContext.get() is not None


def _is_a_runs(record: logging.LogRecord) -> bool:
    if record.name in RUNS:
        # Lines of Prefect and prefectx about a run, such as its end, have no place in user code.
        return current_selection() is not None and not record.pathname.startswith(_NOT_THE_USERS)
    return record.name == RUN_LOGGER or is_selected(record)


def _names() -> Mapping[str, str]:
    """Return the names of the current run in Prefect, which invents some."""
    if (task := TaskRunContext.get()) is not None:
        return {"task_run_name": task.task_run.name}
    if (flow := FlowRunContext.get()) is not None and flow.flow_run is not None:
        return {"flow_run_name": flow.flow_run.name}
    return run_names()
