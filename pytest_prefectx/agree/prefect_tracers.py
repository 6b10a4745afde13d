"""Tracers that do, in mode `function`, one thing that Prefect does for tasks and flows."""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NamedTuple

from prefectx._naming.options import pop_call_keywords
from prefectx._runners.attempts import attempt
from pytest_prefectx.agree.programs import snapshot
from pytest_prefectx.agree.trace import TaskCall, Tracer
from pytest_prefectx.equality import Difference, difference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from prefectx._naming.decorated import AnyFlow, AnyTask
    from prefectx._runners.base import Args, Kwargs


class ThreadTracer(Tracer):
    """Runs submitted tasks in threads of their own, one after the other."""

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task in a new thread; return a finished future."""
        return _in_thread(lambda: super(ThreadTracer, self).submit(task, args, kwargs))


class AttemptTracer(Tracer):
    """Tries failed tasks and flows again, and stops long tasks, as their options say."""

    def run_function(self, call: TaskCall, args: Args, kwargs: Kwargs) -> Any:
        """Run the task's function until it succeeds or has no attempts left."""
        run = super().run_function
        if inspect.iscoroutinefunction(call.task.fn) or inspect.isasyncgenfunction(call.task.fn):
            return run(call, args, kwargs)
        return attempt(call.task, lambda: run(call, args, kwargs))

    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Run the flow until it succeeds or has no attempts left."""
        for _ in range(retries_of(flow)):
            try:
                return super().flow(flow, args, dict(kwargs))
            except Exception:  # noqa: BLE001, S112 - Prefect tries again after each
                continue
        return super().flow(flow, args, kwargs)


class Converted(NamedTuple):
    """An argument of a flow that Prefect converts or refuses.

    Attributes:
        flow: The flow's name.
        parameter: The parameter; "" if the arguments are refused.
        difference: What the flow is given without Prefect, and with it.
        error: The exception that refuses the arguments.
    """

    flow: str
    parameter: str = ""
    difference: Difference | None = None
    error: Exception | None = None


class ConvertingTracer(Tracer):
    """Converts the arguments of flows by their annotations.

    Attributes:
        converted: The arguments that were converted or refused.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.converted: list[Converted] = []

    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Run the flow's body with converted arguments."""
        own = pop_call_keywords(kwargs)
        bound = inspect.signature(flow.function).bind(*args, **kwargs)
        bound.apply_defaults()
        given = {name: snapshot(value) for name, value in bound.arguments.items()}
        for name, value in self._validated(flow, bound.arguments).items():
            if (found := difference(given[name], value)) is not None:
                self.converted.append(Converted(flow.function.__name__, name, found))
            bound.arguments[name] = value
        return super().flow(flow, bound.args, {**bound.kwargs, **own})

    def _validated(self, flow: AnyFlow, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        # Imported here: a case of another mode needs no Prefect.
        from prefectx._runners.prefect.flow import as_prefect_flow

        prefect_flow = as_prefect_flow(flow)
        if not prefect_flow.should_validate_parameters:
            return {}
        try:
            validated: dict[str, Any] = prefect_flow.validate_parameters(dict(arguments))
        except Exception as error:
            self.converted.append(Converted(flow.function.__name__, error=error))
            raise
        return validated


def retries_of(flow: Any) -> int:
    """Return how often Prefect tries a flow again."""
    return int(getattr(flow, "options", {}).get("retries") or 0)


def _in_thread(run: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(copy_context().run, run).result()
