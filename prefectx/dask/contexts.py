"""Prefect's contexts on a worker: rebuilt once for a flow run, then copied for each call."""

from __future__ import annotations

import atexit
import functools
import os
import pickle
import threading
from collections import OrderedDict
from contextlib import ExitStack, contextmanager
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Final

from prefect.context import (
    SettingsContext,
    SyncClientContext,
    hydrated_context,
    refresh_global_settings_context,
)
from prefect.settings import PREFECT_API_URL

from prefectx.dask.protocols import FOLDER, metadata

if TYPE_CHECKING:
    from collections.abc import Generator

_MOST: Final = 8
"""How many flow runs' contexts a worker holds."""


class _Rebuilt:
    """A context, how it is left, and how many calls run in copies of it."""

    def __init__(self, content: bytes) -> None:
        # Dask notes in the context which worker this is.
        self.context: Final = copy_context()
        self._stack: Final = ExitStack()
        self.users = 0
        self.context.run(_enter, pickle.loads(content), self._stack)

    def leave(self) -> None:
        """Leave it, which can be done from within alone."""
        self.context.run(self._stack.close)


class Contexts:
    """The contexts that this process has rebuilt, the latest used last."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._known: Final[OrderedDict[str, _Rebuilt]] = OrderedDict()
        atexit.register(self._leave_all_but, 0)

    @contextmanager
    def copy(self, name: str) -> Generator[Context]:
        """Give a copy of a context, to run one call in."""
        with self._lock:
            if name not in self._known:
                self._known[name] = _Rebuilt(_fetched(name))
            rebuilt = self._known[name]
            self._known.move_to_end(name)
            rebuilt.users += 1
        try:
            yield rebuilt.context.copy()
        finally:
            with self._lock:
                rebuilt.users -= 1
                self._leave_all_but(_MOST)

    def _leave_all_but(self, latest: int) -> None:
        idle = [name for name, rebuilt in self._known.items() if not rebuilt.users]
        for name in idle[: max(0, len(self._known) - latest)]:
            self._known.pop(name).leave()


CONTEXTS: Final = Contexts()
"""Those of this worker process."""


@functools.lru_cache(maxsize=_MOST)
def kept_task(name: str) -> Any:
    """Return the task of a script or a notebook that the scheduler keeps under a name."""
    return pickle.loads(_fetched(name))


def _fetched(name: str) -> bytes:
    content: bytes = metadata(FOLDER, name)
    return content


def _enter(serialized: dict[str, Any], stack: ExitStack) -> None:
    settings = serialized["settings_context"]
    stack.enter_context(SettingsContext(**settings))
    _make_known(PREFECT_API_URL.value())
    # Made once: each new client reads the certificates of the system.
    client = stack.enter_context(SyncClientContext.get_or_create()).client
    stack.enter_context(hydrated_context({**serialized, "settings_context": {}}, client))


def _make_known(url: str | None) -> None:
    """Tell this process's own settings the API's address, for Prefect's background threads."""
    if url and not os.environ.get("PREFECT_API_URL"):
        os.environ["PREFECT_API_URL"] = url
        refresh_global_settings_context()
