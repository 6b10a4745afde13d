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
"""The maximal number of flow runs whose contexts a worker holds."""


class _WorkerContext:
    """A rebuilt context, and the number of calls that run in copies of it."""

    def __init__(self, content: bytes) -> None:
        # A copy, because Dask stores the current worker in the context.
        self.context: Final = copy_context()
        self._stack: Final = ExitStack()
        self.users = 0
        self.context.run(_enter, pickle.loads(content), self._stack)

    def leave(self) -> None:
        """Leave the context, which is only possible from inside it."""
        self.context.run(self._stack.close)


class ContextCache:
    """The contexts that this process has rebuilt, in the order of their last use."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._contexts: Final[OrderedDict[str, _WorkerContext]] = OrderedDict()
        atexit.register(self._leave_all_but, 0)

    @contextmanager
    def copy(self, name: str) -> Generator[Context]:
        """Yield a copy of a context for one call."""
        with self._lock:
            if name not in self._contexts:
                self._contexts[name] = _WorkerContext(_fetch(name))
            found = self._contexts[name]
            self._contexts.move_to_end(name)
            found.users += 1
        try:
            yield found.context.copy()
        finally:
            with self._lock:
                found.users -= 1
                self._leave_all_but(_MOST)

    def _leave_all_but(self, latest: int) -> None:
        idle = [name for name, found in self._contexts.items() if not found.users]
        for name in idle[: max(0, len(self._contexts) - latest)]:
            self._contexts.pop(name).leave()


CONTEXTS: Final = ContextCache()
"""The contexts of this worker process."""


@functools.lru_cache(maxsize=_MOST)
def task_from_scheduler(name: str) -> Any:
    """Return a task of a script or a notebook, which the scheduler stores under a name."""
    return pickle.loads(_fetch(name))


def _fetch(name: str) -> bytes:
    content: bytes = metadata(FOLDER, name)
    return content


def _enter(serialized: dict[str, Any], stack: ExitStack) -> None:
    settings = serialized["settings_context"]
    stack.enter_context(SettingsContext(**settings))
    _set_api_url(PREFECT_API_URL.value())
    # Created once, because each new client reads the system's certificates.
    client = stack.enter_context(SyncClientContext.get_or_create()).client
    stack.enter_context(hydrated_context({**serialized, "settings_context": {}}, client))


def _set_api_url(url: str | None) -> None:
    """Set the API's address for this whole process, for Prefect's background threads."""
    if url and not os.environ.get("PREFECT_API_URL"):
        os.environ["PREFECT_API_URL"] = url
        refresh_global_settings_context()
