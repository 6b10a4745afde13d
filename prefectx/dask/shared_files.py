"""Lookups for Dask: whether workers see the files that the flow's process sees."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any, Final

from distributed import KilledWorker

from prefectx._runners.lookup import Lookup
from prefectx.dask import worker_functions
from prefectx.dask.protocols import client_of
from prefectx.errors import UnknownOption
from prefectx.stores.file import Filestore
from prefectx.stores.folders.base import RESERVED

if TYPE_CHECKING:
    from prefectx._values.item import Item
    from prefectx.dask.protocols import CheckedRunner

_SECONDS: Final = 30
"""The maximal time, in seconds, for a worker's answer."""
_FIRST: Final = 100
"""Dask's priority of these questions."""


class _WorkersOnly(Lookup):
    """`check="worker"`: looks only where tasks run."""

    def looks_here(self, item: Item[Any]) -> bool:  # noqa: ARG002
        return False


class _AskingLookup(Lookup):
    def __init__(self, runner: CheckedRunner) -> None:
        self._runner: Final = runner

    def _ask(self, question: Any, path: str) -> Any:
        key = f"{question.__name__}-{uuid.uuid4().hex}"
        client = client_of(self._runner)
        future = client.submit(question, path, key=key, pure=False, priority=_FIRST)
        return future.result(timeout=_SECONDS)


class _ClientAndWorkers(_AskingLookup):
    """`check="both"`: a worker lists each folder once, and must see the target too."""

    def __init__(self, runner: CheckedRunner) -> None:
        super().__init__(runner)
        self._listed: Final[dict[str, frozenset[str]]] = {}

    def confirms(self, item: Item[Any]) -> bool:
        if (path := _local(item, item.target)) is None:
            return True
        folder, name = os.path.split(path)
        if folder not in self._listed:
            self._listed[folder] = self._ask(worker_functions.names_in, folder)
        return name in self._listed[folder]


class _AutoLookup(_AskingLookup):
    """`check="auto"`: tests once for each store's root whether a worker sees its files."""

    def __init__(self, runner: CheckedRunner) -> None:
        super().__init__(runner)
        self._seen: Final[dict[str, bool]] = {}

    def looks_here(self, item: Item[Any]) -> bool:
        # A cluster is not started for the test: a target that is found here needs none.
        if (
            self._runner.is_local
            or self._runner.is_not_started
            or (root := _local(item, "")) is None
        ):
            return True
        if root not in self._seen:
            # Without a folder there are no targets.
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
            seen = bool(self._ask(worker_functions.sees, path))
        except (TimeoutError, KilledWorker):
            # There is no answer from a worker that dies. The workers that replace it will look.
            seen = False
        finally:
            os.unlink(path)
        if not seen:
            self._runner.logger.warning(
                "The workers do not see %s, or did not answer within %s s. So targets below it are"
                " checked on the workers, by a task run each. If the workers do see it, set"
                ' task_runner(check="client").',
                root,
                _SECONDS,
            )
        return seen


def lookup_of(runner: CheckedRunner, check: str) -> Lookup:
    """Return the lookup for a value of `check`.

    Raises:
        UnknownOption: The value is unknown.
    """
    kinds: dict[str, Any] = {
        "auto": lambda: _AutoLookup(runner),
        "client": Lookup,
        "worker": _WorkersOnly,
        "both": lambda: _ClientAndWorkers(runner),
    }
    if check not in kinds:
        msg = f"task_runner: check must be one of {', '.join(kinds)}, not {check!r}"
        raise UnknownOption(msg)
    lookup: Lookup = kinds[check]()
    return lookup


def _local(item: Item[Any], target: str) -> str | None:
    """Return the path of a target in the item's store; None for a store that all can reach."""
    store = item.store
    inner = getattr(store, "store", store)
    if not isinstance(inner, Filestore):
        return None
    path = inner.path(target)
    return None if "://" in path else path
