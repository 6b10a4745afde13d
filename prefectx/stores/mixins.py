"""The optional methods of stores, besides the five of `Store`, and their defaults."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from xxhash import xxh3_64_hexdigest, xxh3_128_digest

from prefectx.errors import UnsupportedValue
from prefectx.stores.record import collision_while_saving, mark_of, unfinished
from prefectx.stores.versions import load_version

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Locations:
    """Says where outputs are."""

    #: Whether the task's function writes the output, and the store only asks for it.
    is_written_by_function = False

    def path(self, target: str) -> str:
        """Return where the output is, as no other output is: here, the label and the target."""
        return f"{self.label()}/{target}"

    def location(self, target: str) -> str:
        """Return where a function that writes its output itself would write it."""
        return target

    def anchor(self) -> str:
        """Return the folder that the label is relative to: here none, for it says all.

        It is "." for the current folder.
        """
        return ""

    def anchored(self, folder: str) -> Self:  # noqa: ARG002
        """Return this store with a relative root below a folder, whatever the current one will be.

        Here it is the store itself, for it has no such root.
        """
        return self

    def journal_root(self) -> str | None:
        """Return the folder that a journal of the outputs can lie below: here, none."""
        return None

    def label(self) -> str:
        """Return what tells this store apart from others in the names of outputs.

        Here it is the class, with a hash of the attributes that are texts or paths: a folder, a
        URL. Override it if two stores of the class differ in something else.
        """
        attributes: dict[str, object] = getattr(self, "__dict__", {})
        texts = [
            f"{name}={os.fspath(value)!r}"
            for name, value in sorted(attributes.items())
            if isinstance(value, str | os.PathLike)
        ]
        kind = type(self).__qualname__
        if not texts:
            return kind
        return f"{kind}-{xxh3_64_hexdigest(repr(texts).encode())[:8]}"


class Contents:
    """Gives outputs as the bytes that are stored, or mapped into memory."""

    def digest(self: _Loads, target: str) -> bytes:
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
        """Return the bytes that are stored for a target, for tests that harm them.

        Raises:
            UnsupportedValue: The store does not say.
        """
        msg = f"{self!r} does not give the bytes that it stores for {target!r}"
        raise UnsupportedValue(msg)

    def replace_content(self, target: str, content: bytes) -> None:  # noqa: ARG002
        """Save other bytes for a target, as they are, for tests that harm them.

        Raises:
            UnsupportedValue: The store takes no bytes.
        """
        msg = f"{self!r} takes no bytes for {target!r}"
        raise UnsupportedValue(msg)


class Locks:
    """Lets one process at a time make a target."""

    def lock(self, target: str) -> AbstractContextManager[None]:
        """Hold the target alone, among all processes that share the store; wait for who holds it.

        Raises:
            UnsupportedValue: The store has no locks, so a task with `once=True` cannot use it.
        """
        msg = f"{self!r} has no locks, so {target!r} cannot be made with once=True"
        raise UnsupportedValue(msg)


class Records:
    """Keeps a record beside each output: which task and call made it, and when.

    A store that keeps records overrides `load_record` and `save_record`; the three other methods
    do in several steps what a store may be able to do in one.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # If a subclass overrides a step, the method that does several at once must use that step.
        for name, steps in _STEPS.items():
            if _depth(cls, name) > min(_depth(cls, step) for step in steps):
                setattr(cls, name, vars(Records)[name])

    @property
    def keeps_records(self) -> bool:
        """True if the store has records: without, `rerun_on` is refused."""
        return type(self).load_record is not Records.load_record

    def load_record(self, target: str) -> str | None:  # noqa: ARG002
        """Return the record beside the output, if this store has records: here, none."""
        return None

    def save_record(self, target: str, record: str) -> None:
        """Save the record beside the output, if this store has records: here, nothing."""

    def look(self: _KeepsRecords, target: str) -> str | None:
        """Return the mark of the task, code and call that made an output; None without an output.

        It is "" if no record says who made it.
        """
        return mark_of(self.load_record(target) or "") if self.exists(target) else None

    def load_version(self: _KeepsRecords, target: str, version: str) -> Any:
        """Return the output if the call that made it has this version.

        Here the record is read before and after, for another process may replace both.

        Raises:
            TargetReplaced: Another call, or other code, has made the target.
        """
        return load_version(self, target, version, self.load)

    def save_recorded(self: _KeepsRecords, target: str, value: Any, record: str) -> None:
        """Save the output and its record: a store that can do both in one step, does.

        Here the record is kept first. Without one an output counts as made by whoever asks for
        it: by another task, say, in another process, if this one is killed before its end.
        """
        first = unfinished(record) if self.exists(target) else record
        self.save_record(target, first)
        self.save(target, value)
        if (error := collision_while_saving(self, target, record)) is not None:
            self.delete(target)
            raise error
        if first != record:
            self.save_record(target, record)


class RelativeRoot:
    """A store whose root may be relative: to the folder where a run began, once it is anchored."""

    _anchored: tuple[str, Self] | None = None

    def anchored(self, folder: str) -> Self:
        """Return this store with a relative root below a folder, whatever the current one will be.

        Args:
            folder: The folder; if "", the store is returned as it is.
        """
        known = self._anchored
        if known is None or known[0] != folder:
            if not folder or not self._can_move_below(folder):
                return self
            # A copy, for a subclass may be made from other arguments.
            one = object.__new__(type(self))
            vars(one).update(vars(self))
            one._anchored = None
            one._move_below(folder)
            self._anchored = known = (folder, one)
        return known[1]

    def _can_move_below(self, folder: str) -> bool:
        """Tell whether the root is relative, and the folder can be used."""
        raise NotImplementedError

    def _move_below(self, folder: str) -> None:
        """Put the relative root below a folder."""
        raise NotImplementedError


_STEPS: Final = {
    "look": ("exists", "load_record"),
    "load_version": ("load", "load_record"),
    "save_recorded": ("save", "load_record", "save_record"),
}
"""The methods that do several steps in one, and those steps."""


def _depth(cls: type, name: str) -> int:
    """Return the position in the MRO of the class that defines a method.

    The position is past the end if none does.
    """
    bases = cls.__mro__
    return next((depth for depth, base in enumerate(bases) if name in vars(base)), len(bases))


class _Loads(Protocol):
    def load(self, target: str) -> Any: ...


class _KeepsRecords(Protocol):
    """A store with the methods that the steps of `Records` call."""

    is_written_by_function: bool

    def lock(self, target: str) -> AbstractContextManager[None]: ...

    def load(self, target: str) -> Any: ...

    def exists(self, target: str) -> bool: ...

    def save(self, target: str, value: Any) -> None: ...

    def delete(self, target: str) -> None: ...

    def load_record(self, target: str) -> str | None: ...

    def save_record(self, target: str, record: str) -> None: ...
