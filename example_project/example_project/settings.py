"""What the command line sets unless the user has: all of it ordinary environment variables."""

from __future__ import annotations

import os
from typing import Final

DEFAULTS: Final = {
    "PREFECTX": "cache",
    # Two lines of log a task would hide everything else; what the run did is in the flow's log.
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "INFO",
    # The tasks are short and hold the GIL: more threads would only wait.
    "PREFECT_TASKS_RUNNER_THREAD_POOL_MAX_WORKERS": "8",
    # Prefect's SQLite server loses task runs when it records thousands of them one by one.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}


def set_defaults() -> None:
    """Set what is not set; call this before Prefect is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
