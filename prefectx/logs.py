"""Logging: the logger of a run, and `setup`, which adds libraries' loggers, file and line."""

from prefectx._api.run_functions import get_run_logger, tags
from prefectx._logs.handlers import Setup, setup
from prefectx._logs.loggers import Logger, in_run

__all__ = ["Logger", "Setup", "get_run_logger", "in_run", "setup", "tags"]
