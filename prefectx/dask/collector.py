"""Collection of the outcomes of finished calls, in batches and in a separate thread."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any, Final

from prefectx.dask.connection import is_done_in_time
from prefectx.dask.crashed_states import FLOW_ENDED
from prefectx.dask.finished_futures import FinishedFutures
from prefectx.dask.lost_calls import SubmittedCall, settle_lost_call
from prefectx.dask.outcome import WorkerOutcome

if TYPE_CHECKING:
    from prefectx.dask.connection import Connection
    from prefectx.dask.outcome import Outcome
    from prefectx.dask.protocols import DaskResult


class Collector:
    """Settles the futures of one flow run as Dask finishes them.

    Args:
        connection: The connection to the scheduler.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self._client: Final = connection.client
        self._calls: Final[dict[Any, tuple[int, SubmittedCall]]] = {}
        self._numbers: Final = itertools.count()
        self._finished: Final = FinishedFutures()
        self._something: Final = threading.Semaphore(0)
        self._ending = False
        self._thread: Final = threading.Thread(target=self._run, name="prefectx-collector")
        self._thread.start()

    def add(self, call: SubmittedCall, running: DaskResult) -> None:
        """Watch a call until it has ended."""
        self._calls[running.key] = (next(self._numbers), call)
        self._finished.add(running)
        self._something.release()

    def count(self) -> int:
        """Return the number of calls that have not ended."""
        return len(self._calls)

    def end(self) -> None:
        """Cancel the calls that have not ended; end the thread."""
        self._ending = True
        try:
            if not is_done_in_time(self._cancel):
                self._finished.give_up()
        finally:
            self._something.release()
            self._thread.join()

    def _cancel(self) -> None:
        running = [call.future.on_workers for _, call in list(self._calls.values())]
        known = [future for future in running if future is not None]
        # A client that has lost its scheduler has cancelled them, and would raise.
        if known and not self._connection.is_lost:
            self._client.cancel(known, reason=FLOW_ENDED)

    def _run(self) -> None:
        while not (self._ending and not self._calls):
            self._something.acquire()
            for batch in self._finished.batches():
                self._settle_batch(batch)
                # As long as a future is referenced, Dask keeps its result.
                del batch

    def _settle_batch(self, batch: list[DaskResult]) -> None:
        """Settle the calls of finished Dask futures, in the order in which they were submitted."""
        known = {future.key: self._calls.pop(future.key) for future in batch}
        batch.sort(key=lambda future: known[future.key][0])
        done = [(known[future.key][1], future) for future in batch]
        small = [
            future
            for _, future in done
            if future.status == "finished" and future.type is not WorkerOutcome
        ]
        outcomes = dict(zip((f.key for f in small), self._gather(small), strict=True))
        for call, future in done:
            self._settle(call, future, outcomes.get(future.key))

    def _gather(self, futures: list[DaskResult]) -> list[Outcome | BaseException]:
        if not futures:
            # Even for no futures, Dask would wait for a lost scheduler.
            return []
        try:
            return self._client.gather(futures)
        except Exception:  # noqa: BLE001 - each future is asked separately below
            return [_result_or_error(future) for future in futures]

    def _settle(self, call: SubmittedCall, future: DaskResult, outcome: Any) -> None:
        if isinstance(outcome, BaseException):
            settle_lost_call(call, outcome)
        elif outcome is not None:
            call.future.settle(outcome)
        elif future.status == "finished":
            call.future.keep_on_workers()
        else:
            settle_lost_call(call, _error_of(future))


def _result_or_error(future: DaskResult) -> Any:
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001 - it becomes the run's state
        return error


class _NotCancelled(Exception):
    """The flow has ended, and its scheduler does not answer."""

    reason = FLOW_ENDED


def _error_of(future: DaskResult) -> BaseException:
    if future.status == "pending":
        return _NotCancelled()
    error = _result_or_error(future)
    return error if isinstance(error, BaseException) else RuntimeError(future.status)
