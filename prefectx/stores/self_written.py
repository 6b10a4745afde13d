"""`SelfWritten`: outputs that the task's function writes itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128

from prefectx.errors import TargetMissing, UnsupportedValue
from prefectx.stores.base import Store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager


class SelfWritten(Store):
    """Asks `store` whether an output is there, and gives its path instead of reading it.

    Args:
        store: Where the function writes.
        as_path: What the function returns its path as: `str` or `pathlib.Path`.
        prefix: What the function's path has before the target, if not what `store` says.
    """

    __module__ = "prefectx.stores"

    def __init__(
        self,
        store: Store,
        as_path: type[str | Path] = str,
        prefix: str | None = None,
    ) -> None:
        self.store = store
        self.as_path = as_path
        # Pickling makes the store's folder absolute, but the function spells it as before.
        self.prefix = store.location("") if prefix is None else prefix

    is_written_by_function = True

    def path(self, target: str) -> str:
        """Return where the function writes the output."""
        return self.store.path(target)

    def anchor(self) -> str:
        """Return the folder that the label is relative to."""
        return "" if os.path.isabs(self.prefix) else self.store.anchor()

    def anchored(self, folder: str) -> SelfWritten:
        """Return this store with a relative root below a folder; the function's spelling stays."""
        store = self.store.anchored(folder)
        return self if store is self.store else SelfWritten(store, self.as_path, self.prefix)

    def journal_root(self) -> str | None:
        """Return the root of the journal of the store that the function writes to."""
        return self.store.journal_root()

    def exists(self, target: str) -> bool:
        """Tell whether the function's output exists."""
        return self.store.exists(target) or os.path.isdir(self.store.path(target))

    def load(self, target: str) -> str | Path:
        """Return the path that the function returns; raise `TargetMissing` if it does not exist."""
        if not self.exists(target):
            msg = f"target {target!r} is not there ({self.path(target)!r}): call its task again."
            raise TargetMissing(msg)
        return self._returned(target)

    def save(self, target: str, value: Any) -> None:
        """Check that the function has written its target and returned the target's path."""
        if not self.exists(target):
            msg = (
                f"the function has returned {value!r}, but nothing is at its target {target!r}"
                f" ({self.path(target)!r}). It must write that file, as it has store=None or"
                f" save=False.{_moved(self.anchor())}"
            )
            raise TargetMissing(msg)
        expected = self._returned(target)
        if type(value) is not type(expected) or value != expected:
            msg = (
                f"the function has returned {value!r} instead of its target {expected!r}. With"
                " store=None or save=False a function returns the path of the file that it wrote:"
                " a str, or a Path if it is annotated `-> Path`."
            )
            raise UnsupportedValue(msg)

    def delete(self, target: str) -> None:
        """Remove the function's output, a whole folder if it is one."""
        # First, for the store refuses what lies outside.
        self.store.delete(target)
        path = self.path(target)
        if os.path.isdir(path) and not os.path.islink(path):
            import shutil

            shutil.rmtree(path)

    def label(self) -> str:
        """Return where the function writes, as it spells it."""
        return self.prefix

    def list(self, prefix: str = "") -> Iterable[str]:
        """Give the outputs that exist."""
        return self.store.list(prefix)

    def digest(self, target: str) -> bytes:
        """Return a hash of what the function wrote, of all files of a folder."""
        path = self.path(target)
        if not os.path.isdir(path):
            return self.store.digest(target)
        whole = xxh3_128()
        for file in sorted(file for file in Path(path).rglob("*") if file.is_file()):
            name, content = os.fsencode(file.relative_to(path)), file.read_bytes()
            # Add the lengths, so that no other names and contents give the same bytes.
            whole.update(b"%d %d " % (len(name), len(content)) + name)
            whole.update(content)
        return whole.digest()

    def lock(self, target: str) -> AbstractContextManager[None]:
        """Hold the target alone while the function writes it."""
        return self.store.lock(target)

    @property
    def keeps_records(self) -> bool:
        """True if the store that the function writes to has records."""
        return self.store.keeps_records

    def load_record(self, target: str) -> str | None:
        """Return the record beside the output."""
        return self.store.load_record(target)

    def save_record(self, target: str, record: str) -> None:
        """Save the record beside the output."""
        self.store.save_record(target, record)

    def _returned(self, target: str) -> str | Path:
        return self.as_path(target if target.startswith("/") else self.prefix + target)

    def __reduce__(self) -> tuple[Any, ...]:
        return (SelfWritten, (self.store, self.as_path, self.prefix))

    def __repr__(self) -> str:
        return f"SelfWritten({self.store!r})"


def _moved(anchor: str) -> str:
    """Return a sentence that says that a relative path leads elsewhere by now; "" if not."""
    here = os.getcwd()
    if anchor in {"", ".", here}:
        return ""
    return (
        f" The current folder is now {here!r}: a path that is relative to it leads there, not below"
        f" {anchor!r}, where the run began. Do not change the folder, or give the store and the"
        " function an absolute path."
    )
