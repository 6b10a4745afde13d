"""The logger of a run, with the run's names on each record, where Prefect does not run it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator

Logger = logging.LoggerAdapter[logging.Logger]

_log: Final = logging.getLogger("prefectx.runs")
_run_names: ContextVar[dict[str, str] | None] = ContextVar("prefectx_run_names", default=None)


@contextmanager
def named_run(**names: str) -> Generator[None]:
    """Put `names`, as `task_run_name` and `task_name`, on what is logged within."""
    token = _run_names.set({**(_run_names.get() or {}), **names})
    try:
        yield
    finally:
        _run_names.reset(token)


def plain_logger() -> Logger:
    """Return a logger whose records bear the names of the run under way, as Prefect's do."""
    return _RunLogger(_log, dict(_run_names.get() or {}))


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
