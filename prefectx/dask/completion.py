"""The end of a run that is waited for: `concurrent.futures.Future` in a tenth of the memory."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_log: Final = logging.getLogger("prefectx.dask")


class Ending:
    """Comes once; until then it can be waited for."""

    __slots__ = ("_waiting",)

    # One for all of them: it is held for a moment.
    _lock: ClassVar = threading.Lock()

    def __init__(self) -> None:
        self._waiting: list[Callable[[Ending], None]] | None = []

    def come(self) -> None:
        """Call all who wait."""
        with self._lock:
            waiting, self._waiting = self._waiting or [], None
        for fn in waiting:
            try:
                fn(self)
            except Exception:  # noqa: BLE001 - as `concurrent.futures` does: others wait as well
                _log.exception("a callback of a future failed: %r", fn)

    def done(self) -> bool:
        """Tell whether it has come."""
        return self._waiting is None

    def add_done_callback(self, fn: Callable[[Ending], None]) -> None:
        """Have `fn` called when it comes; at once if it has come."""
        with self._lock:
            if self._waiting is not None:
                self._waiting.append(fn)
                return
        fn(self)

    def result(self, timeout: float | None = None) -> None:
        """Wait for it.

        Raises:
            TimeoutError: It has not come after that many seconds.
        """
        if self.done():
            return
        come = threading.Event()
        self.add_done_callback(lambda _: come.set())
        if not come.wait(timeout):
            raise TimeoutError
