"""`FinishedFutures`: `distributed.as_completed` in a third of the memory."""

from __future__ import annotations

import asyncio
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from prefectx.dask.private import notify_at_end

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefectx.dask.protocols import DaskResult


class FinishedFutures:
    """Yields futures as they finish, fail or are cancelled."""

    def __init__(self) -> None:
        self._futures: Final[dict[Any, DaskResult]] = {}
        self._ended: Final[SimpleQueue[Any]] = SimpleQueue()

    def add(self, future: DaskResult) -> None:
        """Watch a new future."""
        self._futures[future.key] = future
        notify_at_end(future, _Notice(future.key, self._ended))
        if future.status != "pending":
            self._ended.put(future.key)

    def give_up(self) -> None:
        """Let all futures count as ended."""
        for key in list(self._futures):
            self._ended.put(key)

    def batches(self) -> Iterator[list[DaskResult]]:
        """Yield futures as they finish, until none is left."""
        while self._futures:
            known = [self._futures.pop(key, None) for key in self._keys()]
            yield [future for future in known if future is not None]
            # As long as a future is referenced, Dask keeps its result.
            del known

    def _keys(self) -> list[Any]:
        """Wait for the keys of futures that have ended."""
        keys = {self._ended.get(): None}
        try:
            while True:
                keys[self._ended.get_nowait()] = None
        except Empty:
            return list(keys)


class _Notice:
    """A replacement for the `asyncio.Event` that Dask sets when a future has ended.

    A real event is created only if a coroutine waits for it.
    """

    __slots__ = ("_ended", "_event", "_is_set", "_key")

    def __init__(self, key: Any, ended: SimpleQueue[Any]) -> None:
        self._key = key
        self._ended = ended
        self._is_set = False
        self._event: asyncio.Event | None = None

    def set(self) -> None:
        """Set the event, and put the key into the queue."""
        self._is_set = True
        if self._event is not None:
            self._event.set()
        self._ended.put(self._key)

    def clear(self) -> None:
        """Clear the event: the result is lost, and will be recomputed."""
        self._is_set = False
        if self._event is not None:
            self._event.clear()

    def is_set(self) -> bool:
        """Tell whether the event is set."""
        return self._is_set

    async def wait(self) -> None:
        """Wait until the event is set."""
        if self._is_set:
            return
        self._event = self._event or asyncio.Event()
        await self._event.wait()
