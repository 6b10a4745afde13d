"""`Store`: where outputs are stored; five methods to write one's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from prefectx.stores.mixins import Contents, Locations, Locks, Records

if TYPE_CHECKING:
    from collections.abc import Iterable


class Store(Records, Locks, Contents, Locations, ABC):
    """Stores outputs under their targets; subclass it to store them somewhere else.

    A target exists whole or not at all: `save` must never leave half an output behind that
    `exists` calls done. What `load` gives is a copy, which the caller may change. Whether a store
    keeps all that is asked of it, `pytest_prefectx.StoreContract` tests.

    These five methods are a whole store. What else one may do, keep records for instance or have
    locks, is in the base classes, which say what is done without.

    Example:
        >>> import pickle
        >>> from prefectx.errors import TargetMissing
        >>> class DictStore(Store):
        ...     kept = {}
        ...     def exists(self, target): return target in self.kept
        ...     def load(self, target):
        ...         if target not in self.kept:
        ...             raise TargetMissing(target)
        ...         return pickle.loads(self.kept[target])
        ...     def save(self, target, value): self.kept[target] = pickle.dumps(value)
        ...     def delete(self, target): self.kept.pop(target, None)
        ...     def list(self, prefix=""): return [t for t in self.kept if t.startswith(prefix)]
        >>> @task(store=DictStore)
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> with use_mode("cache"):
        ...     double(21).load()
        42
    """

    __module__ = "prefectx.stores"

    @abstractmethod
    def exists(self, target: str) -> bool:
        """Tell whether the output exists, without reading it."""

    @abstractmethod
    def load(self, target: str) -> Any:
        """Return the output; raise `TargetMissing` or `CorruptTarget`."""

    @abstractmethod
    def save(self, target: str, value: Any) -> None:
        """Save the output, whole or not at all; raise `UnsupportedValue` for what would change."""

    @abstractmethod
    def delete(self, target: str) -> None:
        """Remove the output; do nothing if it is not there."""

    @abstractmethod
    def list(self, prefix: str = "") -> Iterable[str]:
        """Give the targets that exist and start with `prefix`."""
