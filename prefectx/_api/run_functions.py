"""Functions for code in a task or flow: its logger, and tags for the runs that it starts."""

from __future__ import annotations

from typing import Any

from prefectx._runners import current_runner


def get_run_logger() -> Any:
    """Return the logger of the current task run or flow run.

    In the Prefect modes it is Prefect's, so the lines reach the API. Otherwise it is a standard
    logger, `prefectx.runs`, whose records have `task_run_name`, `task_name`, `flow_name` and
    `flow_run_name`. It also works outside any run. `prefectx.logs.setup` prints the lines in every
    mode, with file and line.

    Example:
        >>> get_run_logger().info("%d pages", 3)
    """
    return current_runner().logger()


def tags(*names: str) -> Any:
    """Return a context manager that adds tags to the runs that are started within it.

    It has no effect in the modes `function` and `cache`.

    Args:
        *names: The tags.

    Example:
        >>> with tags("nightly"):
        ...     pass
    """
    return current_runner().tags(*names)
