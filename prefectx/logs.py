"""The logger of a run, with the run's names on each record, where Prefect does not run it."""

from __future__ import annotations

import logging
from typing import Any, Final

from prefectx.named import run_names

Logger = logging.LoggerAdapter[logging.Logger]

_log: Final = logging.getLogger("prefectx.runs")


def plain_logger() -> Logger:
    """Return a logger whose records bear the names of the run under way, as Prefect's do."""
    return _RunLogger(_log, run_names())


class _RunLogger(Logger):
    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        names = self.extra or {}
        kwargs["extra"] = {**names, **kwargs.get("extra", {})}
        run = names.get("task_run_name") or names.get("flow_name")
        return (f"{run!r} - {msg}" if run else msg), kwargs


def get_run_logger() -> Any:
    """Return the logger of the task or flow run that is under way.

    In the Prefect modes it is Prefect's, so the lines reach the API. Otherwise it is a standard
    logger, `prefectx.runs`, whose records bear `task_run_name`, `task_name` and `flow_name`.
    Outside any run it can be used too.

    Example:
        >>> get_run_logger().info("%d pages", 3)
    """
    from prefectx.runners import current_runner

    return current_runner().logger()


def tags(*names: str) -> Any:
    """Return a context manager that gives `names` as tags to the runs started within.

    Without effect in the `function` and `cache` modes.

    Args:
        *names: The tags.

    Example:
        >>> with tags("nightly"):
        ...     pass
    """
    from prefectx.runners import current_runner

    return current_runner().tags(*names)
