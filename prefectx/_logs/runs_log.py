"""The file that lists which functions of tasks have really run."""

from __future__ import annotations

from typing import Final

from prefectx._settings.environment import Variable

RUNS_LOG: Final = Variable("PREFECTX_RUNS_LOG")
"""A file that gets one line, the task's name, each time a task's function really runs."""


def log_run(name: str) -> None:
    """Note in the file, if there is one, that the function of a task runs now."""
    if (path := RUNS_LOG.get()) is not None:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{name}\n")
