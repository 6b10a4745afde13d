"""Functions for code that runs in a task or flow: its logger, tags for the runs that it starts."""

from __future__ import annotations

from typing import Any

from prefectx._runners import current_runner


def get_run_logger() -> Any:
    """Return the logger of the task or flow run that is under way.

    In the Prefect modes it is Prefect's, so the lines reach the API. Otherwise it is a standard
    logger, `prefectx.runs`, whose records bear `task_run_name`, `task_name`, `flow_name` and
    `flow_run_name`. Outside any run it can be used too. `prefectx.logs.setup` has the lines
    printed in every mode, with file and line.

    Example:
        >>> get_run_logger().info("%d pages", 3)
    """
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
    return current_runner().tags(*names)
