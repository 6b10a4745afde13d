"""`Store`: who keeps outputs; five methods to write one's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh3_128_digest

from prefectx.errors import UnsupportedValue
from prefectx.stores.record import mark_of, unfinished

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager


class Store(ABC):
    """Keeps outputs under their targets; subclass it to keep them somewhere else.

    A target exists whole or not at all: `save` must never leave half an output behind that
    `exists` calls done. What `load` gives is a copy, which the caller may change. Whether a store
    keeps all that is asked of it, `pytest_prefectx.StoreContract` tests.

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

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, steps in _STEPS.items():
            if _depth(cls, name) > min(_depth(cls, step) for step in steps):
                setattr(cls, name, vars(Store)[name])

    @abstractmethod
    def exists(self, target: str) -> bool:
        """Tell whether the output is there, without reading it."""

    def look(self, target: str) -> str | None:
        """Return the mark of the task that made an output; None if the output is not there.

        It is "" if no record says which task that was.
        """
        return mark_of(self.load_record(target) or "") if self.exists(target) else None

    @abstractmethod
    def load(self, target: str) -> Any:
        """Return the output; raise `TargetMissing` or `CorruptTarget`."""

    @abstractmethod
    def save(self, target: str, value: Any) -> None:
        """Keep the output, whole or not at all; raise `UnsupportedValue` for what would change."""

    @abstractmethod
    def delete(self, target: str) -> None:
        """Remove the output; do nothing if it is not there."""

    @abstractmethod
    def list(self, prefix: str = "") -> Iterable[str]:
        """Give the targets that are there and start with `prefix`."""

    #: Whether the task's function writes the output, and the store only asks for it.
    is_written_by_function = False

    def path(self, target: str) -> str:
        """Return where a person would find the output: here, the target itself."""
        return target

    def location(self, target: str) -> str:
        """Return where a function that writes its output itself would write it."""
        return target

    def label(self) -> str:
        """Return what tells this store apart from others in the names of outputs."""
        return type(self).__qualname__

    def digest(self, target: str) -> bytes:
        """Return a few bytes that differ when the output differs."""
        import pickle

        return xxh3_128_digest(pickle.dumps(self.load(target)))

    def load_mapped(self, target: str) -> Any:
        """Return the output without reading it whole: here, no output can be had so.

        Raises:
            UnsupportedValue: The store or the target's format cannot do it.
        """
        msg = f"{self!r} cannot load {target!r} with mmap=True; only a local Filestore can"
        raise UnsupportedValue(msg)

    def content(self, target: str) -> bytes:
        """Return the bytes that are kept for a target, for tests that harm them.

        Raises:
            UnsupportedValue: The store does not say.
        """
        msg = f"{self!r} does not give the bytes that it keeps for {target!r}"
        raise UnsupportedValue(msg)

    def replace_content(self, target: str, content: bytes) -> None:  # noqa: ARG002
        """Keep other bytes for a target, as they are, for tests that harm them.

        Raises:
            UnsupportedValue: The store takes no bytes.
        """
        msg = f"{self!r} takes no bytes for {target!r}"
        raise UnsupportedValue(msg)

    def lock(self, target: str) -> AbstractContextManager[None]:
        """Hold the target alone, among all processes that share the store; wait for who holds it.

        Raises:
            UnsupportedValue: The store has no locks, so a task with `once=True` cannot use it.
        """
        msg = f"{self!r} has no locks, so {target!r} cannot be made with once=True"
        raise UnsupportedValue(msg)

    def save_recorded(self, target: str, value: Any, record: str) -> None:
        """Keep the output and its record: a store that can do both in one step, does.

        Here the record is kept first. Without one an output counts as made by whoever asks for
        it: by another task, say, in another process, if this one is killed before its end.
        """
        first = unfinished(record) if self.exists(target) else record
        self.save_record(target, first)
        self.save(target, value)
        if first != record:
            self.save_record(target, record)

    def load_record(self, target: str) -> str | None:  # noqa: ARG002
        """Return the record beside the output, if this store keeps records: here, none."""
        return None

    def save_record(self, target: str, record: str) -> None:  # noqa: B027 - records are optional
        """Keep the record beside the output, if this store keeps records: here, nothing."""


_STEPS: Final = {
    "look": ("exists", "load_record"),
    "save_recorded": ("save", "load_record", "save_record"),
}
"""What stores do in one step, and the steps it stands for.

A subclass that changes a step, and says nothing of what does all at once, is asked step by step.
"""


def _depth(cls: type, name: str) -> int:
    """Return how far up among the bases of a class the one is that defines a method."""
    return next(depth for depth, base in enumerate(cls.__mro__) if name in vars(base))
