"""A run's report with Prefect: its output to the flow run's log, and counts from futures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture, PrefectFutureList
from prefect.logging.loggers import flow_run_logger

from prefectx._calls.commands import FailureCommands
from prefectx._calls.counting import text_of_call
from prefectx._calls.here import run_here
from prefectx._calls.outcome import size_of
from prefectx._calls.task_report import Failure
from prefectx._runners.prefect.future import is_prefect_future, state_result
from prefectx._runners.prefect.private import final_state
from prefectx._types import is_list, type_of
from prefectx._values.item import is_item
from prefectx.stores.record import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx._calls.report import Report
    from prefectx._calls.run import Run
    from prefectx._naming.decorated import AnyTask


def note_log(flow: Any) -> None:
    """Send the current run's report to the log of its flow run."""
    run: Run | None = run_here.get()
    context = FlowRunContext.get()
    if run is None or run.report.log is not None or context is None or context.flow_run is None:
        return
    run.report.log = flow_run_logger(context.flow_run, flow).info


def watch(
    task: AnyTask,
    submitted: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    commands: Callable[[], FailureCommands] = FailureCommands,
) -> Any:
    """Count calls of a task that run in other processes, as their futures finish.

    Args:
        task: The task.
        submitted: A future or a list of futures; other values, such as states, are not counted.
        args: The arguments of the call, or of `.map`.
        kwargs: The same by name.
        commands: Returns the commands about the call, if it fails and leaves a record.

    Returns:
        The argument; a list of futures in a form that raises the same as in other modes.
    """
    run: Run | None = run_here.get()
    if run is None:
        return submitted
    one: Any = submitted
    if isinstance(one, PrefectFuture):
        call = partial(text_of_call, task, args, kwargs)
        one = submitted
        one.add_done_callback(partial(_count, run.report, task, call, commands=commands))
    elif is_list(submitted):
        for number, future in enumerate(submitted):
            if is_prefect_future(future):
                call = partial(_mapped_call, task, args, kwargs, number)
                future.add_done_callback(partial(_count, run.report, task, call))
        if type(submitted) is PrefectFutureList:
            # By Prefect's annotations the class is abstract, which is not true.
            return OrderedFutureList(submitted)  # type: ignore[abstract]
    return submitted


class OrderedFutureList(PrefectFutureList[Any]):
    """The futures of `.map`, whose `result` raises the first exception in order, not in time."""

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """Return all results; wait for all futures before raising the first exception."""
        try:
            return super().result(timeout, raise_on_failure)
        except TimeoutError:
            raise
        except Exception:
            self.wait(timeout)
            for future in self:
                future.result(timeout=0 if future.state.is_final() else timeout)
            raise


def _count(
    report: Report,
    task: AnyTask,
    call: Callable[[], str],
    future: PrefectFuture[Any],
    commands: Callable[[], FailureCommands] = FailureCommands,
) -> None:
    try:
        future.wait()
    except Exception as error:  # noqa: BLE001 - the flow gets it from the future itself
        # The task's result, or exception, could not be pickled.
        report.add_failure(task, Failure(task.qualified_name, call(), None, error))
        return
    _count_state(report, task, call, final_state(future), commands)


def count_state(task: AnyTask, state: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Count a call by its final state; return the state."""
    if (run := run_here.get()) is not None:
        _count_state(run.report, task, partial(text_of_call, task, args, kwargs), state)
    return state


def _count_state(
    report: Report,
    task: AnyTask,
    call: Callable[[], str],
    state: Any,
    commands: Callable[[], FailureCommands] = FailureCommands,
) -> None:
    # The state of a run with large data may stay on Dask's workers.
    if state is None:
        report.add_run(task, 0)
    elif state.is_completed() and state.name == "Cached":
        report.line(task).skipped += 1
    elif state.is_completed():
        _count_run(report, task, call, state)
    elif state.is_failed() or state.is_crashed():
        error = state_result(state, raise_on_failure=False)
        if not isinstance(error, BaseException):
            error = RuntimeError(state.message)
        # What crashed has left no record.
        target, *about = FailureCommands() if state.is_crashed() else commands()
        report.add_failure(task, Failure(task.qualified_name, call(), target, error, *about))


def _count_run(report: Report, task: AnyTask, call: Callable[[], str], state: Any) -> None:
    item = getattr(state.data, "result", state.data)
    if not is_item(item):
        report.add_run(task, 0, call() if report.has_failures else "")
        return
    record = read(item.store, item.target)
    folder = item.target.rpartition("/")[0]
    report.add_run(task, record.seconds if record else 0, "", size_of(item), folder)


def _mapped_call(task: AnyTask, args: tuple[Any, ...], kwargs: dict[str, Any], number: int) -> str:
    def element(value: Any) -> Any:
        if type_of(value) not in _SPREAD:
            return value
        part = value[number]
        # The call has ended, so the result of each future among its arguments is known.
        return part.result(raise_on_failure=False) if is_prefect_future(part) else part

    row = tuple(map(element, args))
    return text_of_call(task, row, {name: element(value) for name, value in kwargs.items()})


_SPREAD = frozenset({list, tuple, range, PrefectFutureList, OrderedFutureList})
