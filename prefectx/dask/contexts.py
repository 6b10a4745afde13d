"""Prefect's contexts on a worker: rebuilt once for a flow run, then copied for each call."""

from __future__ import annotations

import atexit
import functools
import os
import pickle
import threading
from collections import OrderedDict
from contextlib import ExitStack
from contextvars import Context, copy_context
from typing import Any, Final

from prefect.context import (
    SettingsContext,
    SyncClientContext,
    hydrated_context,
    refresh_global_settings_context,
)
from prefect.settings import PREFECT_API_URL

from prefectx.dask.face import metadata
from prefectx.dask.shared import FOLDER

_MOST: Final = 8
"""How many flow runs' contexts a worker holds."""


class Contexts:
    """The contexts that this process has rebuilt, the latest used last."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._known: Final[OrderedDict[str, tuple[Context, ExitStack]]] = OrderedDict()
        # At the latest when the process ends: contexts can only be left from within.
        atexit.register(self._leave_all_but, 0)

    def copy(self, name: str) -> Context:
        """Return a copy of a context, to run one call in."""
        with self._lock:
            if name not in self._known:
                self._known[name] = _rebuilt(_fetched(name))
            self._known.move_to_end(name)
            self._leave_all_but(_MOST)
            return self._known[name][0].copy()

    def _leave_all_but(self, latest: int) -> None:
        while len(self._known) > latest:
            context, stack = self._known.popitem(last=False)[1]
            context.run(stack.close)


CONTEXTS: Final = Contexts()
"""Those of this worker process."""


@functools.lru_cache(maxsize=_MOST)
def kept_task(name: str) -> Any:
    """Return the task of a script or a notebook that the scheduler keeps under a name."""
    return pickle.loads(_fetched(name))


def _fetched(name: str) -> bytes:
    content: bytes = metadata(FOLDER, name)
    return content


def _rebuilt(content: bytes) -> tuple[Context, ExitStack]:
    # Dask notes in the context which worker this is.
    context = copy_context()
    stack = ExitStack()
    context.run(_enter, pickle.loads(content), stack)
    return context, stack


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
