"""Futures of the Prefect modes: for hits, and for runs whose upstream tasks failed."""

from __future__ import annotations

import functools
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from prefect.exceptions import UpstreamTaskError
from prefect.futures import PrefectConcurrentFuture, PrefectFuture, PrefectTaskRunFuture
from prefect.results import ResultRecord  # type: ignore[attr-defined]
from prefect.states import Cancelled, Completed, Pending

from prefectx._runners.prefect.private import final_state
from prefectx._types import type_of
from prefectx._values.annotations import may_fail
from prefectx._values.containers import replace
from prefectx._values.handles import is_state
from prefectx._values.tracebacks import own_frames_hidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.schemas.objects import State

    from prefectx._values.item import Item


class FinishedFuture(PrefectTaskRunFuture[Any]):
    """The future of a call that has finished."""

    def __init__(self, state: State[Any], run_id: uuid.UUID | None = None) -> None:
        super().__init__(run_id or uuid.uuid4())
        self._final_state = state

    def wait(self, timeout: float | None = None) -> None:
        """Return at once."""

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:  # noqa: ARG002
        """Return the state's result."""
        with own_frames_hidden:
            return state_result(self.state, raise_on_failure=raise_on_failure)

    def add_done_callback(self, fn: Callable[[PrefectFuture[Any]], None]) -> None:
        """Call `fn` at once."""
        fn(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._final_state, self._task_run_id))


class HitFuture(FinishedFuture):
    """The future of a call whose target exists: nothing ran, and Prefect has no record of it."""

    # State and id are created on demand: a state alone takes ten times the time and memory of the
    # rest of a hit.
    def __init__(self, value: Item[Any] | Any) -> None:
        self.value = value

    @functools.cached_property
    def _final_state(self) -> State[Any]:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        return Completed(name="Cached", data=self.value)

    @functools.cached_property
    def _task_run_id(self) -> uuid.UUID:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        return uuid.uuid4()

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:  # noqa: ARG002
        """Return the Item; inside a task, the data."""
        return self.value

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.value,))


class RecordedHitFuture(HitFuture):
    """The future of a hit that Prefect has recorded as a task run in the state `Cached`."""

    def __init__(self, value: Item[Any] | Any, state: State[Any], run_id: uuid.UUID) -> None:
        super().__init__(value)
        self._final_state = state
        self._task_run_id = run_id

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.value, self._final_state, self._task_run_id))


def state_result(state: State[Any], *, raise_on_failure: bool = True) -> Any:
    """Return a state's result, in synchronous and in async code."""
    if isinstance(state.data, ResultRecord) and state.is_completed():
        # A shortcut: Prefect would run an event loop in another thread.
        return cast("Any", state).data.result
    is_raised = raise_on_failure and state.is_failed()
    # `_sync` is missing in Prefect's annotations.
    found = cast("Any", state).result(
        raise_on_failure=raise_on_failure and not is_raised, _sync=True
    )
    if is_raised:
        # Raised here: in Prefect's coroutine, a StopIteration would become a RuntimeError.
        raise found if isinstance(found, BaseException) else RuntimeError(state.message)
    return found


def is_prefect_future(value: Any) -> TypeGuard[PrefectFuture[Any]]:
    """Tell whether `value` is a future of Prefect."""
    return isinstance(value, PrefectFuture)


def has_finished(future: PrefectFuture[Any]) -> bool:
    """Tell whether a future has its final state, without asking the API."""
    if final_state(future) is not None:
        return True
    # Futures of Ray have no `done`.
    is_done = getattr(getattr(future, "wrapped_future", None), "done", None)
    if is_done is None or not is_done():
        return False
    future.wait()
    # The state of a run with large data may stay on the cluster.
    return final_state(future) is not None


def is_unready(state: State[Any]) -> bool:
    """Tell whether a run did not start because an upstream task has failed."""
    return state.is_pending() and state.name == "NotReady"


def upstream_futures(value: Any) -> list[PrefectFuture[Any]]:
    """Return the futures in `value` that must succeed."""
    found: list[PrefectFuture[Any]] = []

    def collect(part: Any) -> Any:
        if may_fail(part):
            return None
        if is_prefect_future(part):
            found.append(part)
        return part

    replace(value, collect)
    return found


def settle_failures(value: Any) -> Any:
    """Wait for the futures in `value`; replace them by their results or exceptions."""
    return replace(value, _result_or_error)


def _result_or_error(value: Any) -> Any:
    if not is_prefect_future(value):
        return value
    value.wait()
    # A run that never started has no exception.
    return None if is_unready(value.state) else value.result(raise_on_failure=False)


def upstream_error(upstream: list[PrefectFuture[Any]]) -> BaseException | None:
    """Return the exception of the first failed future, or of the task that failed before it."""
    for future in upstream:
        state = future.state
        if state.is_completed():
            continue
        try:
            future.result()
        except Exception as error:  # noqa: BLE001 - it is returned
            return error
    return None


class SubmittedFuture(PrefectConcurrentFuture[Any]):
    """The future of a call on threads or a process pool.

    Its result is the exception of the function, or of the task that failed before it, as in the
    modes without Prefect; Prefect's own error would only say that the run did not start.
    """

    _upstream: list[PrefectFuture[Any]]

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, for at most `timeout` seconds."""
        try:
            super().wait(timeout)
        except UpstreamTaskError as error:
            # A process pool does not start the run, and has no state for it.
            self._final_state = Pending(name="NotReady", message=str(error))

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """Return the task's result, or raise the exception."""
        with own_frames_hidden:
            self.wait(timeout)
            if (state := self._final_state) is None:
                # Prefect's own error: it has not ended in time.
                return super().result(None if timeout is None else 0, raise_on_failure)
            return result_of_run(state, self._upstream, raise_on_failure=raise_on_failure)


def explain(future: PrefectFuture[Any], upstream: list[PrefectFuture[Any]]) -> None:
    """Make `future.result()` raise the function's exception, or that of a failed argument."""
    submitted: Any = future
    if type_of(submitted) is PrefectConcurrentFuture:
        submitted.__class__ = SubmittedFuture
        submitted._upstream = upstream
    elif upstream:
        future.result = partial(_result_with_cause, future, upstream)  # type: ignore[method-assign]


def _result_with_cause(
    future: PrefectFuture[Any],
    upstream: list[PrefectFuture[Any]],
    timeout: float | None = None,
    raise_on_failure: bool = True,
) -> Any:
    with own_frames_hidden:
        future.wait(timeout)
        if is_unready(future.state):
            return result_of_run(future.state, upstream, raise_on_failure=raise_on_failure)
        result = type(future).result(future, timeout=timeout, raise_on_failure=raise_on_failure)
    # The upstream futures are not needed any more.
    upstream.clear()
    return result


def result_of_run(
    state: State[Any], upstream: list[PrefectFuture[Any]], *, raise_on_failure: bool = True
) -> Any:
    """Return a run's result, or raise its exception, or that of a failed argument.

    Args:
        state: The run's final state.
        upstream: The futures among its arguments; emptied if they are not needed any more.
        raise_on_failure: Whether an exception is raised; else it is returned.
    """
    if not is_unready(state):
        upstream.clear()
    elif not raise_on_failure:
        return None
    elif (error := upstream_error(upstream)) is not None:
        raise error
    return state_result(state, raise_on_failure=raise_on_failure)


def cancelled_state(value: Any) -> State[Any] | None:
    """Return the state of a flow that returns `value`, if that is futures of cancelled runs.

    Args:
        value: A future, or a list, tuple or set of futures and states.

    Returns:
        `Cancelled`, with the states as its data; None if no future is cancelled, or if `value` is
        anything else.
    """
    if is_prefect_future(value):
        state = _state_at_end(value)
        return _cancelled(1, 1, state) if state.is_cancelled() else None
    if not issubclass(type_of(value), list | tuple | set):
        return None
    if not any(map(is_prefect_future, value)):
        return None
    states = list(map(_state_at_end, value))
    if not all(map(is_state, states)):
        return None
    cancelled = sum(state.is_cancelled() for state in states)
    if not cancelled:
        return None
    return _cancelled(cancelled, len(states), tuple(states) if type_of(value) is tuple else states)


def _cancelled(number: int, of: int, data: Any) -> State[Any]:
    return Cancelled(message=f"{number}/{of} states cancelled.", data=data)


def _state_at_end(part: Any) -> Any:
    if not is_prefect_future(part):
        return part
    part.wait()
    return part.state
