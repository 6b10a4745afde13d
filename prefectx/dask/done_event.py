"""`DoneEvent`: a `concurrent.futures.Future` without a result, in a tenth of the memory."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_log: Final = logging.getLogger("prefectx.dask")


class DoneEvent:
    """A one-shot event with callbacks."""

    __slots__ = ("_waiting",)

    # One lock for all of them, since it is held for a moment only.
    _lock: ClassVar = threading.Lock()

    def __init__(self) -> None:
        self._waiting: list[Callable[[DoneEvent], object]] | None = []

    def set(self) -> None:
        """Set the event, and call the callbacks."""
        with self._lock:
            waiting, self._waiting = self._waiting or [], None
        for fn in waiting:
            try:
                fn(self)
            except Exception:  # noqa: BLE001 - as in `concurrent.futures`: other callbacks must run
                _log.exception("a callback of a future failed: %r", fn)

    def done(self) -> bool:
        """Tell whether the event is set."""
        return self._waiting is None

    def add_done_callback(self, fn: Callable[[DoneEvent], object]) -> None:
        """Call `fn` when the event is set; at once if it is set already."""
        with self._lock:
            if self._waiting is not None:
                self._waiting.append(fn)
                return
        fn(self)

    def result(self, timeout: float | None = None) -> None:
        """Wait for the event.

        Raises:
            TimeoutError: The event is not set after `timeout` seconds.
        """
        if self.done():
            return
        complete = threading.Event()
        self.add_done_callback(lambda _: complete.set())
        if not complete.wait(timeout):
            raise TimeoutError
