"""The logger of runs without Prefect, which adds the run's names to each record."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final, ParamSpec, TypeVar

from prefectx._logs.run_names import named_run, run_names

P = ParamSpec("P")
R = TypeVar("R")

Logger = logging.LoggerAdapter[logging.Logger]

_log: Final = logging.getLogger("prefectx.runs")


def standard_logger() -> Logger:
    """Return a logger whose records have the names of the current run, like Prefect's."""
    return _RunLogger(_log, run_names())


class _RunLogger(Logger):
    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs


def in_run(fn: Callable[P, R]) -> Callable[P, R]:
    """Return `fn` as a function for your own threads, whose logs belong to the current run.

    Python starts a thread with an empty context, which has neither the run nor the mode.

    Args:
        fn: The function that the thread calls; not a coroutine function, for asyncio passes the
            context to its tasks.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> @task
        ... def shout(words: list[str]) -> list[str]:
        ...     with ThreadPoolExecutor() as threads:
        ...         return list(threads.map(logs.in_run(str.upper), words))
        >>> shout(["hello", "world"])
        ['HELLO', 'WORLD']
    """
    context, names = copy_context(), run_names()

    def named(*args: P.args, **kwargs: P.kwargs) -> R:
        with named_run(**names):
            return fn(*args, **kwargs)

    @functools.wraps(fn)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        # A copy for each call: several threads may run at once, and a context is entered once.
        return context.copy().run(named, *args, **kwargs)

    return inside
