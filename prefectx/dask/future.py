"""The future of a task run on Dask: it gives back what the workers keep for it."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Any

from distributed import KilledWorker
from prefect.futures import PrefectConcurrentFuture

from prefectx.dask.crash import lost
from prefectx.runners.prefect_future import state_result

if TYPE_CHECKING:
    import uuid

    from prefect.client.schemas.objects import State

    from prefectx.dask.face import DaskResult
    from prefectx.dask.outcome import Outcome

    Wrapped = concurrent.futures.Future[Any]


class DaskFuture(PrefectConcurrentFuture[Any]):
    """A future whose Dask result is released as soon as the run's small state is known.

    Large data that is not kept in a target stays on the workers, and is fetched by `result` alone.

    Args:
        task_run_id: Which task run it is.
        running: Dask's own future of it, whose result is an `Outcome`.
    """

    def __init__(self, task_run_id: uuid.UUID, running: DaskResult) -> None:
        wrapped: Wrapped = concurrent.futures.Future()
        super().__init__(task_run_id, wrapped)
        self._running: DaskResult | None = running

    @property
    def on_workers(self) -> DaskResult | None:
        """Dask's future of what the workers still have or make; None once it is known here."""
        return self._running

    @property
    def has_failed(self) -> bool:
        """Whether the run is known to have ended, and not well."""
        return self._final_state is not None and not self._final_state.is_completed()

    def settle(self, state: State[Any]) -> None:
        """Take the run's final state; let the workers forget it."""
        self._final_state = state
        self._running = None
        self._wrapped_future.set_result(state)

    def hold(self) -> None:
        """Note that the run has completed, and that its large data stays on the workers."""
        self._wrapped_future.set_result(None)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """Return what the task gave, or raise what it raised; large data is fetched now."""
        self.wait(timeout)
        if (state := self._held_state()) is not None:
            return state_result(state, raise_on_failure=raise_on_failure)
        return super().result(None if timeout is None else 0, raise_on_failure)

    @property
    def state(self) -> State[Any]:
        """The run's state; its large data is fetched for it."""
        return self._held_state() or super().state

    def _held_state(self) -> State[Any] | None:
        if self._running is None or not self._wrapped_future.done():
            return None
        try:
            held: Outcome = self._running.result()
        except (concurrent.futures.CancelledError, KilledWorker, OSError) as error:
            return lost(self._running.key[1], error)
        return held.state
