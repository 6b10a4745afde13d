"""Futures of the Prefect modes: of hits, which never ran, and of runs whose inputs failed."""

from __future__ import annotations

import functools
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from prefect.futures import PrefectFuture, PrefectTaskRunFuture
from prefect.results import ResultRecord  # type: ignore[attr-defined]
from prefect.states import Completed

from prefectx._values.annotations import may_fail
from prefectx._values.containers import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.schemas.objects import State

    from prefectx._values.item import Item


class Finished(PrefectTaskRunFuture[Any]):
    """The future of a call that has its final state already."""

    def __init__(self, state: State[Any], run_id: uuid.UUID | None = None) -> None:
        super().__init__(run_id or uuid.uuid4())
        self._final_state = state

    def wait(self, timeout: float | None = None) -> None:
        """Return at once."""

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:  # noqa: ARG002
        """Return the state's result."""
        return state_result(self.state, raise_on_failure=raise_on_failure)

    def add_done_callback(self, fn: Callable[[PrefectFuture[Any]], None]) -> None:
        """Call `fn` at once."""
        fn(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._final_state, self._task_run_id))


class Hit(Finished):
    """The future of a call whose target is there: nothing ran, Prefect knows nothing of it."""

    # All but what was given is made when it is asked for: a state alone takes ten times as long as
    # all else of a hit, and ten times its memory.
    def __init__(self, given: Item[Any] | Any) -> None:
        self.given = given

    @functools.cached_property
    def _final_state(self) -> State[Any]:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        return Completed(name="Cached", data=self.given)

    @functools.cached_property
    def _task_run_id(self) -> uuid.UUID:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        return uuid.uuid4()

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:  # noqa: ARG002
        """Return the Item, or inside a task the data."""
        return self.given

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.given,))


class RecordedHit(Hit):
    """The future of a hit that Prefect knows as a task run in the state `Cached`."""

    def __init__(self, given: Item[Any] | Any, state: State[Any], run_id: uuid.UUID) -> None:
        super().__init__(given)
        self._final_state = state
        self._task_run_id = run_id

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.given, self._final_state, self._task_run_id))


def state_result(state: State[Any], *, raise_on_failure: bool = True) -> Any:
    """Return a state's result in plain code and in async code alike."""
    if isinstance(state.data, ResultRecord) and state.is_completed():
        # Prefect would go through an event loop in another thread for it.
        return cast("Any", state).data.result
    # `_sync` is not in Prefect's annotations.
    return state.result(  # type: ignore[call-overload]
        raise_on_failure=raise_on_failure, _sync=True
    )


def is_prefect_future(value: Any) -> TypeGuard[PrefectFuture[Any]]:
    """Tell whether `value` is a future that Prefect knows how to wait for."""
    return isinstance(value, PrefectFuture)


def has_finished(future: PrefectFuture[Any]) -> bool:
    """Tell whether a future has its final state, without asking the API."""
    if getattr(future, "_final_state", None) is not None:
        return True
    # What Ray gives cannot be asked whether it is done.
    is_done = getattr(getattr(future, "wrapped_future", None), "done", None)
    if is_done is None or not is_done():
        return False
    future.wait()
    # Large data of a run on a cluster stays there: what has ended is not known for all that.
    return getattr(future, "_final_state", None) is not None


def is_unready(state: State[Any]) -> bool:
    """Tell whether a run never started because what it needs has failed."""
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
    """Wait for the futures in `value`; put what they gave or raised in their place."""
    return replace(value, _given_or_raised)


def _given_or_raised(value: Any) -> Any:
    if not is_prefect_future(value):
        return value
    value.wait()
    # Of what never started there is not even an exception.
    return None if is_unready(value.state) else value.result(raise_on_failure=False)


def upstream_error(upstream: list[PrefectFuture[Any]]) -> BaseException | None:
    """Return what the first failed future has raised, or what failed before it."""
    for future in upstream:
        state = future.state
        if state.is_completed():
            continue
        try:
            future.result()
        except Exception as error:  # noqa: BLE001 - it is what is asked for
            return error
    return None


def explain(future: PrefectFuture[Any], upstream: list[PrefectFuture[Any]]) -> None:
    """Let `future.result()` raise what has failed before it, as in the modes without Prefect.

    Prefect says only that the run never started.
    """
    if upstream:
        future.result = partial(_explained_result, future, upstream)  # type: ignore[method-assign]


def _explained_result(
    future: PrefectFuture[Any],
    upstream: list[PrefectFuture[Any]],
    timeout: float | None = None,
    raise_on_failure: bool = True,
) -> Any:
    future.wait(timeout)
    if is_unready(future.state):
        if not raise_on_failure:
            return None
        if (error := upstream_error(upstream)) is not None:
            raise error
    result = type(future).result(future, timeout=timeout, raise_on_failure=raise_on_failure)
    # What came before need not be kept in memory any longer.
    upstream.clear()
    return result
