"""`LocalRunner`: the base class of modes without Prefect, which run calls one after the other."""

from __future__ import annotations

import inspect
import os
import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from prefectx._logs.run_names import named_run
from prefectx._runners.base import Runner
from prefectx._runners.run_block import run_flow
from prefectx._values.annotations import is_unmapped, may_fail
from prefectx._values.containers import replace
from prefectx._values.coroutines import run_coroutine
from prefectx._values.future import Future, State, completed, failed, not_ready
from prefectx._values.handles import (
    is_future,
    is_future_list,
    is_prefect_annotation,
    is_state,
    result_of,
)
from prefectx._values.item import settle

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AbstractContextManager

    from prefectx._logs.loggers import Logger
    from prefectx._naming.decorated import AnyFlow, AnyTask
    from prefectx._runners.base import Args, Kwargs


class UpstreamFailed(Exception):
    """A future among the arguments has failed, with the exception `cause`."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(cause)
        self.cause = cause


class LocalRunner(Runner):
    """Runs tasks and flows in the current thread."""

    def __init__(self) -> None:
        # Once per process, at the first use of the mode, so that calls need not check it.
        _ensure_logs()

    @abstractmethod
    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task on arguments without futures; return the mode's value or a coroutine."""

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task."""
        return_state, wait_for = kwargs.pop("return_state", False), kwargs.pop("wait_for", None)
        if return_state:
            return self._state(task, args, kwargs, wait_for)
        args, kwargs, failure = _settle_arguments(args, kwargs, wait_for)
        if failure is not None:
            raise failure
        return self.run(task, args, kwargs)

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task now; return a finished future."""
        return_state, wait_for = kwargs.pop("return_state", False), kwargs.pop("wait_for", None)
        state = self._state(task, args, kwargs, wait_for)
        if inspect.iscoroutine(state):
            state = run_coroutine(state)
        if task.is_generator and state.is_completed():
            # As Prefect does: a future holds a list, not a generator.
            state = completed(list(state.data))
        return state if return_state else Future(state)

    def _state(self, task: AnyTask, args: Args, kwargs: Kwargs, wait_for: Any) -> Any:
        args, kwargs, failure = _settle_arguments(args, kwargs, wait_for)
        if failure is not None:
            return not_ready(failure)
        # Arguments that do not fit the signature are an error of the caller, not of the task.
        task.naming.bind(*args, **kwargs)
        try:
            result = self.run(task, args, kwargs)
        except Exception as error:  # noqa: BLE001 - it becomes the state's
            return failed(error)
        return _await_state(result) if inspect.iscoroutine(result) else _state_of(result)

    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Run the flow's body."""
        _ensure_logs()
        return_state, wait_for = kwargs.pop("return_state", False), kwargs.pop("wait_for", None)
        args, kwargs, failure = _settle_arguments(args, kwargs, wait_for)
        if failure is not None:
            if return_state:
                return not_ready(failure)
            raise failure
        try:
            result = run_flow(flow, args, kwargs, lambda: self._body(flow, args, kwargs))
        except Exception as error:
            if return_state:
                return failed(error, of_flow=True)
            raise
        if inspect.iscoroutine(result):
            return _await_state(result, of_flow=True) if return_state else _await_result(result)
        return _state_of(result) if return_state else _result(result)

    def _body(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        with named_run(flow_name=flow.name):
            return flow.body(*args, **kwargs)

    def logger(self) -> Logger:
        """Return a standard logger."""
        from prefectx._logs.loggers import standard_logger

        return standard_logger()

    def tags(self, *names: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """Return a context manager that does nothing: without Prefect, there are no tags."""
        from contextlib import nullcontext

        return nullcontext()


def _settle_arguments(
    args: Args, kwargs: Kwargs, wait_for: Any
) -> tuple[Args, Kwargs, BaseException | None]:
    """Return the arguments with futures replaced by their results.

    Returns:
        The arguments, and the exception of a future among them or in `wait_for` that has failed. It
        is returned, since one that is raised in an except block has what is handled there as its
        context.
    """
    try:
        if wait_for is not None:
            replace([wait_for], _settle_one)
        return replace(args, _settle_one), replace(kwargs, _settle_one), None
    except UpstreamFailed as upstream:
        return args, kwargs, upstream.cause


def _settle_one(value: Any) -> Any:
    if is_future_list(value):
        return [_settle_one(future) for future in value]
    if is_future(value) or is_state(value):
        try:
            return settle(result_of(value))
        except Exception as error:
            raise UpstreamFailed(error) from error
    if may_fail(value):
        return replace(value.unwrap(), _result_or_error)
    if is_unmapped(value):
        return replace(value.unwrap(), _settle_one)
    if is_prefect_annotation(value, "BaseAnnotation"):
        return value.unwrap()
    return value


def _result_or_error(value: Any) -> Any:
    if is_future_list(value):
        return [_result_or_error(future) for future in value]
    if is_future(value):
        # The result of a run that never started is None, as in Prefect.
        return value.state.result(raise_on_failure=False)
    return value


def _state_of(result: Any) -> State[Any]:
    """Return the final state of a run: a state that it returns, as in Prefect, or `Completed`."""
    return result if is_state(result) else completed(result)


def _result(result: Any) -> Any:
    """Return the value of a flow's call: the state of a task's run unchanged, as in Prefect."""
    if not is_state(result) or (type(result) is State and result.is_completed()):
        return result
    # A state that the flow itself has created is the final state of its run.
    return result_of(result)


async def _await_result(result: Coroutine[Any, Any, Any]) -> Any:
    return _result(await result)


async def _await_state(result: Coroutine[Any, Any, Any], *, of_flow: bool = False) -> State[Any]:
    try:
        return _state_of(await result)
    except Exception as error:  # noqa: BLE001 - it is kept in the state
        return failed(error, of_flow=of_flow)


def _ensure_logs() -> None:
    """Set up logging if anything may have selected loggers; the import takes long."""
    asked = os.environ.get("PREFECT_LOGGING_EXTRA_LOGGERS") or "prefect" in sys.modules
    if not asked and "prefectx._logs.handlers" not in sys.modules:
        return
    from prefectx._logs.handlers import ensure_logs

    if "prefect.main" not in sys.modules:
        ensure_logs()
        return
    # Prefect's console prints these lines too, in every mode.
    from prefectx._runners.prefect.logs import connect

    ensure_logs(connect)
