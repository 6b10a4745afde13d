"""The logger of a run, with the run's names on each record, where Prefect does not run it."""

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


def plain_logger() -> Logger:
    """Return a logger whose records bear the names of the run under way, as Prefect's do."""
    return _RunLogger(_log, run_names())


class _RunLogger(Logger):
    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs


def in_run(fn: Callable[P, R]) -> Callable[P, R]:
    """Return `fn` as a function for threads of yours: what it logs is the present run's.

    Python starts a thread in an empty context, in which neither the run nor the mode is known.

    Args:
        fn: What the thread calls; no coroutine function, whose tasks have the context anyway.

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
        # Several threads may call it at once, and each enters a context of its own.
        return context.copy().run(named, *args, **kwargs)

    return inside
