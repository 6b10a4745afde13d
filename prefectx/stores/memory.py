"""`MemoryStore`: outputs in the memory of one process, for tests."""

from __future__ import annotations

import os
import threading
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from xxhash import xxh3_128_digest

from prefectx.errors import UnsupportedValue
from prefectx.stores.base import Store
from prefectx.stores.messages import decoded, encoded, missing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

# A copy that never left the process finds the store again here.
_living: Final[WeakValueDictionary[str, MemoryStore]] = WeakValueDictionary()


class MemoryStore(Store):
    """Stores outputs in memory, as bytes in the formats that a `Filestore` would use.

    What it holds ends with it. It serves the threads of one process: tasks that run in other
    processes are refused, for what they keep would be lost.

    Example:
        >>> store = MemoryStore()
        >>> store.save("sizes/a.json", [1, 2])
        >>> store.load("sizes/a.json"), list(store.list())
        ([1, 2], ['sizes/a.json'])
    """

    __module__ = "prefectx.stores"

    def __init__(self) -> None:
        self._values: Final[dict[str, bytes]] = {}
        self._records: Final[dict[str, str]] = {}
        self._locks: Final[dict[str, threading.Lock]] = {}
        self._process: Final = os.getpid()
        self._name: Final = uuid.uuid4().hex
        _living[self._name] = self

    def exists(self, target: str) -> bool:
        """Tell whether the output exists."""
        return target in self._values

    def load(self, target: str) -> Any:
        """Return a copy of the output.

        Raises:
            TargetMissing: It is not there.
            CorruptTarget: It cannot be read in its format.
        """
        return decoded(self, target, self.content(target))

    def save(self, target: str, value: Any) -> None:
        """Save a copy of the output.

        Raises:
            UnsupportedValue: The format would change the value, or this is another process.
        """
        self.replace_content(target, encoded(target, value))

    def content(self, target: str) -> bytes:
        """Return the bytes that are stored for a target; raise `TargetMissing`."""
        try:
            return self._values[target]
        except KeyError:
            raise missing(self, target) from None

    def replace_content(self, target: str, content: bytes) -> None:
        """Save these bytes for a target, as they are."""
        self._check_process()
        self._values[target] = content

    def delete(self, target: str) -> None:
        """Remove the output and its record."""
        self._values.pop(target, None)
        self._records.pop(target, None)

    def list(self, prefix: str = "") -> Iterable[str]:
        """Give the targets that start with `prefix`."""
        return sorted(target for target in self._values.copy() if target.startswith(prefix))

    def path(self, target: str) -> str:
        """Return which store it is, and the target."""
        return f"{self.label()}/{target}"

    def label(self) -> str:
        """Return which of all MemoryStores it is."""
        return f"memory-{self._name[:8]}"

    def digest(self, target: str) -> bytes:
        """Return a hash of the bytes that are stored."""
        return xxh3_128_digest(self.content(target))

    @contextmanager
    def lock(self, target: str) -> Generator[None]:
        """Hold the target alone, among all threads of the process."""
        from prefectx.stores.locks.waiting import Pauses

        lock, pauses = self._locks.setdefault(target, threading.Lock()), Pauses(repr(target))
        while not lock.acquire(blocking=False):
            pauses.pause(lambda: "another thread")
        try:
            yield
        finally:
            lock.release()

    def save_recorded(self, target: str, value: Any, record: str) -> None:
        """Save a copy of the output, and the record."""
        content = encoded(target, value)
        self.save_record(target, record)
        self.replace_content(target, content)

    def load_record(self, target: str) -> str | None:
        """Return the record beside the output."""
        return self._records.get(target)

    def save_record(self, target: str, record: str) -> None:
        """Save the record beside the output."""
        self._check_process()
        self._records[target] = record

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise UnsupportedValue(_OTHER_PROCESS)

    def __repr__(self) -> str:
        return f"<MemoryStore {self.label()}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (self._found, (self._name, self._process))

    @staticmethod
    def _found(name: str, process: int) -> MemoryStore:
        store = _living.get(name)
        if store is None or process != os.getpid():
            raise UnsupportedValue(_OTHER_PROCESS)
        return store


_OTHER_PROCESS: Final = (
    "a MemoryStore stores outputs in one process only, and this is another: what it stored would be"
    " lost. Use Filestore or SQLStore where tasks run in other processes."
)


# Pickles name it so, as they do the class.
vars(MemoryStore)["_found"].__func__.__module__ = MemoryStore.__module__
