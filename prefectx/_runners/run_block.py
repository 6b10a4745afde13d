"""The run around an outermost flow, and the report that is printed at its end."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from prefectx._calls.commands import record_run
from prefectx._calls.here import run_here
from prefectx._calls.report import set_last_run
from prefectx._calls.run import Run
from prefectx._runners.live_lines import begin_live, end_live
from prefectx._settings.mode import current_mode
from prefectx._settings.summary import is_summary_wanted
from prefectx._values.tracebacks import hide_own_frames
from prefectx.errors import StaleTarget

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextvars import Token

    from prefectx._naming.decorated import AnyFlow
    from prefectx._runners.base import Args, Kwargs


run_end_listeners: Final[list[Callable[[Run], object]]] = []
"""Functions that are called with each run that ends, while its claims are known: for tests."""


class outermost_run:  # noqa: N801 - used as a function
    """A context manager that starts a run, unless there is one, and prints its report at the end.

    Args:
        flow: The flow.
        args: The positional arguments of its call.
        kwargs: The same by name.
    """

    __slots__ = ("_arguments", "_flow", "_run", "_token")

    def __init__(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> None:
        self._flow = flow
        self._arguments = (args, kwargs)
        self._run: Run | None = None
        self._token: Token[Run | None] | None = None

    def __enter__(self) -> None:
        if run_here.get() is not None:
            return
        self._run = Run(self._flow.name, current_mode())
        self._token = run_here.set(self._run)
        begin_live(self._run.report)

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._run is None or self._token is None:
            return
        run_here.reset(self._token)
        args, kwargs = self._arguments
        record_run(self._run.report, self._flow.function, args, kwargs)
        end_run(self._run, error)


class end_run_after:  # noqa: N801 - used as a function
    """A context manager that ends a run, if there is one.

    Args:
        run: The run that a flow's body has started; None if it was started around the flow.
    """

    __slots__ = ("_run",)

    def __init__(self, run: Run | None) -> None:
        self._run = run

    def __enter__(self) -> None:
        if self._run is not None:
            begin_live(self._run.report)

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._run is not None:
            end_run(self._run, error)


def end_run(run: Run, error: BaseException | None) -> None:
    """Note that a run has ended, and print its report and warnings."""
    report = run.report
    if report.ended:
        return
    end_live(report)
    report.end(error)
    set_last_run(report)
    for listener in run_end_listeners:
        listener(run)
    for one in (error, *(failure.error for failure in report.failures)):
        if one is not None:
            hide_own_frames(one)
    try:
        run.warn_of_stale_targets()
    except StaleTarget as stale:
        # Warnings are errors here, but the flow's own error comes first.
        if error is None:
            raise
        error.add_note(str(stale))
    finally:
        if report.tasks and is_summary_wanted():
            report.print(report.text())


def run_flow(flow: AnyFlow, args: Args, kwargs: Kwargs, call: Callable[[], Any]) -> Any:
    """Run a flow within a run, unless there is one; return its result or a coroutine.

    Args:
        flow: The flow.
        args: The positional arguments of its call.
        kwargs: The same by name.
        call: Runs the flow, or returns a coroutine that does.
    """
    if inspect.isgeneratorfunction(flow.function) or inspect.isasyncgenfunction(flow.function):
        # A generator runs as it is iterated, within a separate context.
        return call()
    if inspect.iscoroutinefunction(flow.function):
        return _arun_flow(outermost_run(flow, args, kwargs), call)
    with outermost_run(flow, args, kwargs):
        return call()


async def _arun_flow(run: outermost_run, call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    with run:
        return await call()
