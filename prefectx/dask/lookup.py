"""Whether client and workers see the same files, so that a look where the flow runs counts."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any, Final

from distributed import KilledWorker

from prefectx._runners.lookup import Lookup
from prefectx.dask import remote
from prefectx.dask.protocols import client_of
from prefectx.errors import UnknownOption
from prefectx.stores.file import Filestore
from prefectx.stores.folders.base import RESERVED

if TYPE_CHECKING:
    from prefectx._values.item import Item
    from prefectx.dask.protocols import CheckedRunner

_SECONDS: Final = 30
"""How long the workers may take to say whether they see a file."""
_FIRST: Final = 100
"""Dask's priority of questions."""


class _Workers(Lookup):
    """`check="worker"`: only where tasks run."""

    def looks_here(self, item: Item[Any]) -> bool:  # noqa: ARG002
        return False


class _Asking(Lookup):
    def __init__(self, runner: CheckedRunner) -> None:
        self._runner: Final = runner

    def _asked(self, question: Any, path: str) -> Any:
        key = f"{question.__name__}-{uuid.uuid4().hex}"
        client = client_of(self._runner)
        future = client.submit(question, path, key=key, pure=False, priority=_FIRST)
        return future.result(timeout=_SECONDS)


class _Both(_Asking):
    """`check="both"`: a worker lists the folder, once, and must see it too."""

    def __init__(self, runner: CheckedRunner) -> None:
        super().__init__(runner)
        self._listed: Final[dict[str, frozenset[str]]] = {}

    def confirms(self, item: Item[Any]) -> bool:
        if (path := _local(item, item.target)) is None:
            return True
        folder, name = os.path.split(path)
        if folder not in self._listed:
            self._listed[folder] = self._asked(remote.names_in, folder)
        return name in self._listed[folder]


class _Probe(_Asking):
    """`check="auto"`: tries it out, once for each store's root."""

    def __init__(self, runner: CheckedRunner) -> None:
        super().__init__(runner)
        self._seen: Final[dict[str, bool]] = {}

    def looks_here(self, item: Item[Any]) -> bool:
        # A cluster is not started to ask it: whatever is found here need not run there.
        if self._runner.is_local or self._runner.is_coming or (root := _local(item, "")) is None:
            return True
        if root not in self._seen:
            # Where there is no folder, nothing is there to be seen.
            if not os.path.isdir(root):
                return True
            self._seen[root] = self._is_seen(root)
        return self._seen[root]

    def _is_seen(self, root: str) -> bool:
        folder = os.path.join(root, RESERVED)
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"seen-{uuid.uuid4().hex}")
        with open(path, "x", encoding="utf-8"):
            pass
        try:
            seen = bool(self._asked(remote.sees, path))
        except (TimeoutError, KilledWorker):
            # Workers that die while they are asked say nothing of the folder: those that take
            # their place look themselves.
            seen = False
        finally:
            os.unlink(path)
        if not seen:
            self._runner.logger.warning(
                "The workers do not see %s, or did not say so within %s s: targets below it are"
                " looked for on the workers, a task run each. Where they do see it, say"
                ' task_runner(check="client").',
                root,
                _SECONDS,
            )
        return seen


def lookup_of(runner: CheckedRunner, check: str) -> Lookup:
    """Return where to look, for a value of `check`.

    Raises:
        UnknownOption: CallContext is no such value.
    """
    kinds: dict[str, Any] = {
        "auto": lambda: _Probe(runner),
        "client": Lookup,
        "worker": _Workers,
        "both": lambda: _Both(runner),
    }
    if check not in kinds:
        msg = f"task_runner: check is one of {', '.join(kinds)}, not {check!r}"
        raise UnknownOption(msg)
    lookup: Lookup = kinds[check]()
    return lookup


def _local(item: Item[Any], target: str) -> str | None:
    """Return the path of a target in the item's store, or None where all see the same."""
    store = item.store
    inner = getattr(store, "store", store)
    if not isinstance(inner, Filestore):
        return None
    path = inner.path(target)
    return None if "://" in path else path
