"""What the modes without Prefect share: calls run here, one after the other."""

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
from prefectx._values.item import settle
from prefectx._values.kinds import (
    is_future,
    is_future_list,
    is_prefect_annotation,
    is_state,
    result_of,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AbstractContextManager

    from prefectx._logs.loggers import Logger
    from prefectx._naming.decorated import AnyFlow, AnyTask
    from prefectx._runners.base import Args, Kwargs


class UpstreamFailed(Exception):
    """A future among the arguments holds an exception, its cause."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(cause)
        self.cause = cause


class PlainRunner(Runner):
    """Runs tasks and flows as functions."""

    def __init__(self) -> None:
        # Once a process, at the first use of the mode: calls of tasks cost nothing for it.
        _ensure_logs()

    @abstractmethod
    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task on arguments without futures; return what the mode gives, or a coroutine."""

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task."""
        return_state, wait_for = kwargs.pop("return_state", False), kwargs.pop("wait_for", None)
        if return_state:
            return self._state(task, args, kwargs, wait_for)
        try:
            settled = _settled(args, kwargs, wait_for)
        except UpstreamFailed as upstream:
            raise upstream.cause from None
        return self.run(task, *settled)

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task now; return a finished future."""
        return_state, wait_for = kwargs.pop("return_state", False), kwargs.pop("wait_for", None)
        state = self._state(task, args, kwargs, wait_for)
        if inspect.iscoroutine(state):
            state = run_coroutine(state)
        if task.is_generator and state.is_completed():
            # As Prefect does: a generator cannot travel.
            state = completed(list(state.data))
        return state if return_state else Future(state)

    def _state(self, task: AnyTask, args: Args, kwargs: Kwargs, wait_for: Any) -> Any:
        try:
            settled = _settled(args, kwargs, wait_for)
        except UpstreamFailed as upstream:
            return not_ready(upstream.cause)
        # What does not fit the signature is an error of the caller, not of the task.
        task.naming.bind(*settled[0], **settled[1])
        try:
            result = self.run(task, *settled)
        except Exception as error:  # noqa: BLE001 - it is kept in the state
            return failed(error)
        return _awaited_state(result) if inspect.iscoroutine(result) else _state_of(result)

    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Run the flow's body."""
        _ensure_logs()
        return_state, wait_for = kwargs.pop("return_state", False), kwargs.pop("wait_for", None)
        try:
            args, kwargs = _settled(args, kwargs, wait_for)
            result = run_flow(flow, lambda: self._body(flow, args, kwargs))
        except UpstreamFailed as upstream:
            if return_state:
                return not_ready(upstream.cause)
            raise upstream.cause from None
        except Exception as error:
            if return_state:
                return failed(error)
            raise
        if inspect.iscoroutine(result):
            return _awaited_state(result) if return_state else _aresult(result)
        return _state_of(result) if return_state else _result(result)

    def _body(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        with named_run(flow_name=flow.name):
            return flow.body(*args, **kwargs)

    def logger(self) -> Logger:
        """Return a standard logger."""
        from prefectx._logs.loggers import plain_logger

        return plain_logger()

    def tags(self, *names: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """Do nothing: there is nobody to see tags."""
        from contextlib import nullcontext

        return nullcontext()


def _settled(args: Args, kwargs: Kwargs, wait_for: Any) -> tuple[Args, Kwargs]:
    """Return the arguments with results in place of futures.

    Raises:
        UpstreamFailed: A future among them, or in `wait_for`, holds an exception.
    """
    if wait_for:
        replace([wait_for], _result_of)
    return replace(args, _result_of), replace(kwargs, _result_of)


def _result_of(value: Any) -> Any:
    if is_future_list(value):
        return [_result_of(future) for future in value]
    if is_future(value) or is_state(value):
        try:
            return settle(result_of(value))
        except Exception as error:
            raise UpstreamFailed(error) from error
    if may_fail(value):
        return replace(value.unwrap(), _result_or_error)
    if is_unmapped(value):
        return replace(value.unwrap(), _result_of)
    if is_prefect_annotation(value, "BaseAnnotation"):
        return value.unwrap()
    return value


def _result_or_error(value: Any) -> Any:
    if is_future_list(value):
        return [_result_or_error(future) for future in value]
    if is_future(value):
        # Of what never started there is not even an exception.
        return value.state.result(raise_on_failure=False)
    return value


def _state_of(result: Any) -> State[Any]:
    """Return the state that a run has ended in: the one it gives itself, as in Prefect."""
    return result if is_state(result) else completed(result)


def _result(result: Any) -> Any:
    """Return what the call of a flow gives: the state of a task's run as it is, as in Prefect."""
    if not is_state(result) or (type(result) is State and result.is_completed()):
        return result
    # One that the flow gives itself is what the flow's run has ended in.
    return result_of(result)


async def _aresult(result: Coroutine[Any, Any, Any]) -> Any:
    return _result(await result)


async def _awaited_state(result: Coroutine[Any, Any, Any]) -> State[Any]:
    try:
        return _state_of(await result)
    except Exception as error:  # noqa: BLE001 - it is kept in the state
        return failed(error)


def _ensure_logs() -> None:
    """Have what is wanted logged, if anybody can have asked: logging takes long to import."""
    asked = os.environ.get("PREFECT_LOGGING_EXTRA_LOGGERS") or "prefect" in sys.modules
    if not asked and "prefectx._logs.handlers" not in sys.modules:
        return
    from prefectx._logs.handlers import ensure_logs

    if "prefect.main" not in sys.modules:
        ensure_logs()
        return
    # Prefect's console prints these lines too, whoever runs the task.
    from prefectx._runners.prefect.logs import connect

    ensure_logs(connect)
