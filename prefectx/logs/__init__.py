"""Logging: the logger of a run, and what `setup` adds: loggers of libraries, file and line."""

from prefectx.logs.handlers import Setup, setup
from prefectx.logs.loggers import Logger, get_run_logger, in_run, plain_logger, tags

__all__ = [
    "Logger",
    "Setup",
    "get_run_logger",
    "in_run",
    "plain_logger",
    "setup",
    "tags",
]
