"""The future of a task run on Dask, which lets the workers release the result."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Any

from distributed import KilledWorker
from prefect.futures import PrefectConcurrentFuture

from prefectx._runners.prefect.future import state_result
from prefectx._values.item import is_item
from prefectx._values.tracebacks import own_frames_hidden
from prefectx.dask.crashed_states import output_lost
from prefectx.dask.done_event import DoneEvent
from prefectx.dask.outcome import LocalOutcome, state_data
from prefectx.dask.private import make_future

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from prefect.client.schemas.objects import State
    from prefect.futures import PrefectFuture

    from prefectx.dask.outcome import Outcome
    from prefectx.dask.protocols import DaskResult


class DaskFuture(PrefectConcurrentFuture[Any]):
    """A future whose Dask result is released as soon as the run's small state is known.

    Large data without a target stays on the workers, and is fetched by `result` only.

    Args:
        task_run_id: The id of the task run.
        running: Dask's own future, whose result is an `Outcome`.
    """

    # A flow may hold thousands, so a new one is small.
    def __init__(self, task_run_id: uuid.UUID, running: DaskResult) -> None:
        self._outcome: Outcome | None = None
        self._running: DaskResult | None = running
        self._ended = DoneEvent()
        make_future(self, task_run_id, self._ended)

    @property
    def on_workers(self) -> DaskResult | None:
        """Dask's own future while the workers have or compute the result; then None."""
        return self._running

    @property
    def has_failed(self) -> bool:
        """True if the run is known to have ended without success."""
        return self._outcome is not None and not self._outcome.state.is_completed()

    def settle(self, outcome: Outcome) -> None:
        """Set the run's outcome; let the workers release it."""
        self._outcome = outcome
        self._running = None
        self._ended.set()

    def keep_on_workers(self) -> None:
        """Note that the run has completed and its large data stays on the workers."""
        self._ended.set()

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """Return the task's result, or raise its exception; large data is fetched now."""
        with own_frames_hidden:
            self.wait(timeout)
            if (state := self._state_on_workers() or self._final_state) is not None:
                return state_result(state, raise_on_failure=raise_on_failure)
            return super().result(None if timeout is None else 0, raise_on_failure)

    @property
    def state(self) -> State[Any]:
        """The run's state; large data is fetched for it."""
        return self._state_on_workers() or super().state

    def _add_prefect_done_callback(self, fn: Callable[[PrefectFuture[Any]], None]) -> None:
        self.add_done_callback(fn)

    @property
    def _final_state(self) -> State[Any] | None:
        if self._outcome is None:
            return None
        state = self._outcome.state
        if not is_item(state_data(state)):
            # Every access returns the same object, so that changes of the data are seen.
            self._outcome = LocalOutcome(state)
        return state

    # Prefect sets it, to None while it is not known.
    @_final_state.setter
    def _final_state(self, state: State[Any] | None) -> None:
        self._outcome = None if state is None else LocalOutcome(state)

    def _state_on_workers(self) -> State[Any] | None:
        if self._running is None or not self._ended.done():
            return None
        try:
            outcome: Outcome = self._running.result()
        except (concurrent.futures.CancelledError, KilledWorker, OSError) as error:
            return output_lost(self._running.key[1], error)
        return outcome.state
