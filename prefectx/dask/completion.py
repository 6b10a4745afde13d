"""The end of a run that is waited for: `concurrent.futures.Future` in a tenth of the memory."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_log: Final = logging.getLogger("prefectx.dask")


class Completion:
    """An event that comes once, and calls back."""

    __slots__ = ("_waiting",)

    # One for all of them: it is held for a moment.
    _lock: ClassVar = threading.Lock()

    def __init__(self) -> None:
        self._waiting: list[Callable[[Completion], None]] | None = []

    def complete(self) -> None:
        """Note that it is complete, and call all who wait."""
        with self._lock:
            waiting, self._waiting = self._waiting or [], None
        for fn in waiting:
            try:
                fn(self)
            except Exception:  # noqa: BLE001 - as `concurrent.futures` does: others wait as well
                _log.exception("a callback of a future failed: %r", fn)

    def done(self) -> bool:
        """Tell whether it is complete."""
        return self._waiting is None

    def add_done_callback(self, fn: Callable[[Completion], None]) -> None:
        """Have `fn` called when it is complete; at once if it is already."""
        with self._lock:
            if self._waiting is not None:
                self._waiting.append(fn)
                return
        fn(self)

    def result(self, timeout: float | None = None) -> None:
        """Wait for it.

        Raises:
            TimeoutError: It is not complete after that many seconds.
        """
        if self.done():
            return
        complete = threading.Event()
        self.add_done_callback(lambda _: complete.set())
        if not complete.wait(timeout):
            raise TimeoutError
