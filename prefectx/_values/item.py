"""`Item`: the small handle of an output that lies, or would lie, in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeGuard, TypeVar, overload

from prefectx._values.containers import DATA, replace
from prefectx._values.kinds import is_future, is_future_list, is_state, result_of
from prefectx._values.not_loaded import HasNoData, not_loaded
from prefectx.errors import TargetMissing, TargetReplaced
from prefectx.stores.formats import suffix_of
from prefectx.stores.record import version_of

if TYPE_CHECKING:
    from prefectx._values.future import Future, FutureList, Handle, State
    from prefectx.stores.base import Store

T = TypeVar("T")
K = TypeVar("K")

# What is made where there is nothing to make a name of.
_NO_NAMES: Final = ("", "_")
_MADE_BASE: Final = r"~[0-9a-f]{8,16}$"


class Item(HasNoData, Generic[T]):
    """Where a task's output lies: a frozen handle, small whatever the data.

    Given to a task, an Item is loaded where the task runs. It also has the methods of a future
    that has finished, so that code written for futures runs on it. Used as data, as in `if x`,
    `len(x)` or `x.column`, it raises `NotLoaded`: `load(x)` gives the data.

    Args:
        store: Who keeps the output.
        target: The output's readable name within the store.
        base: The name that a task on this Item takes over; by default the target's last part.

    Example:
        >>> Item(Filestore(), "working/pdf2text/report-7").base
        'report-7'
    """

    # Pickles name it so, and hold when modules move.
    __module__ = "prefectx"

    # Prefect links results to runs by identity, and checks it where weak references can be had.
    __slots__ = ("__weakref__", "_base", "_store", "_target", "_version")

    def __init__(
        self, store: Store, target: str, base: str | None = None, version: str | None = None
    ) -> None:
        self._store = store
        self._target = target
        self._base = base
        self._version = version

    def of_version(self, version: str) -> Item[T]:
        """Return this Item as one that loads only what has this version in its record."""
        return Item(self._store, self._target, self._base, version)

    @property
    def store(self) -> Store:
        """Who keeps the output."""
        return self._store

    @property
    def target(self) -> str:
        """The output's readable name within the store."""
        return self._target

    @property
    def base(self) -> str:
        """The name that a task on this Item takes over."""
        if self._base is not None:
            return self._base
        name = self._target.rpartition("/")[2]
        return name.removesuffix(suffix_of(name))

    @property
    def path(self) -> str:
        """The full path or address of the output."""
        return self.store.path(self.target)

    @property
    def has_explicit_base(self) -> bool:
        """Whether `base` was given by a person, not made from arguments."""
        if "~" not in self.base:
            return self.base not in _NO_NAMES
        import re

        return re.search(_MADE_BASE, self.base) is None

    def exists(self) -> bool:
        """Tell whether the output is there."""
        return self.store.exists(self.target)

    def load(self, *, mmap: bool = False) -> T:
        """Return the data.

        Args:
            mmap: Whether to map the file into memory instead of reading it: a `.npy` target of
                any size opens at once. The array cannot be written to.

        Raises:
            TargetMissing: Nothing is there.
            CorruptTarget: What is there cannot be read.
            TargetReplaced: The task has `rerun_on`, and another call has made it anew since.
            UnsupportedValue: `mmap` was asked of a store or a format that has no such thing.
        """
        self._check_version()
        data: T = self.store.load_mapped(self.target) if mmap else self.store.load(self.target)
        self._check_version()
        return data

    def _check_version(self) -> None:
        """Raise `TargetReplaced` if the call that gave this Item did not make what is there now."""
        if self._version is None:
            return
        found = version_of(self.store.load_record(self.target))
        if found is None or found == self._version:
            return
        msg = (
            f"target {self.target!r} has been made anew, by another call or by other code, since"
            " this Item was given, as rerun_on lets it: call the task again, or name in the target"
            " what tells its calls apart."
        )
        raise TargetReplaced(msg)

    def delete(self) -> None:
        """Remove the output, so that the next call makes it anew.

        Raises:
            TargetMissing: Nothing is there.
        """
        if not self.exists():
            msg = f"cannot delete {self.path!r}: nothing is there."
            raise TargetMissing(msg)
        self.store.delete(self.target)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> T:  # noqa: ARG002
        """Return the data, as a future's `result` does."""
        return self.load()

    def wait(self, timeout: float | None = None) -> None:
        """Return at once: there is nothing to wait for."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Item):
            raise not_loaded(self, "x == …")
        return self.target == other.target and self.path == other.path

    def __hash__(self) -> int:
        # Another one than the target has, or a dict with both would compare them.
        return hash((Item, self._target))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Item, (self._store, self._target, self._base, self._version))

    def __repr__(self) -> str:
        label = self.store.label()
        return f"Item({self.target!r})" if not label else f"Item({self.target!r}, {label!r})"


def item(target: str, store: Store | type[Store] | None = None) -> Item[Any]:
    """Return the Item of something that is there already, to feed it to a task.

    Args:
        target: The output's name within the store, as in `"working/row_filter/a"`.
        store: A store or its class; by default `Filestore`: the current folder.

    Example:
        >>> item("working/row_filter/a").exists()
        False
    """
    from prefectx.stores import Filestore

    keeper = Filestore if store is None else store
    return Item(keeper() if isinstance(keeper, type) else keeper, target)


# Data has the type of a handle's result, one container deep; data itself keeps its own.
@overload
def load(value: Handle[T] | State[T]) -> T: ...
@overload
def load(value: list[Handle[T]] | list[Item[T]] | list[Future[T]] | list[State[T]]) -> list[T]: ...
@overload
def load(value: dict[K, Item[T]] | dict[K, Future[T]]) -> dict[K, T]: ...
@overload
def load(value: dict[K, FutureList[T]]) -> dict[K, list[T]]: ...
@overload
def load(value: tuple[Item[T], ...] | tuple[Future[T], ...]) -> tuple[T, ...]: ...
@overload
def load(value: T) -> T: ...
def load(value: Any) -> Any:
    """Return the data behind an Item, a future or a state, also deep inside containers.

    Needed only where a flow's own body computes on a task's output. Data passes unchanged, so
    the same line runs in every mode.

    Args:
        value: Data, an `Item`, a future, a state, or lists, tuples, sets, dicts and dataclasses
            of them.

    Raises:
        TargetMissing: An Item's output is not there.
        CorruptTarget: An Item's output cannot be read.

    Example:
        >>> load([1, {"a": 2}])
        [1, {'a': 2}]
    """
    return replace(value, _loaded)


def is_handle(value: Any) -> bool:
    """Tell whether `value` is an Item, a future, a state or what `.map` gives."""
    if type(value) in DATA:
        return False
    return is_item(value) or is_future(value) or is_state(value) or is_future_list(value)


def settle(value: Any) -> Any:
    """Wait for the futures in `value` and put their results (data or Items) in their place."""
    return replace(value, _settled)


def settle_futures(value: Any) -> Any:
    """Do the same, but leave states what they are: they say how a run has ended."""
    return replace(value, _settled_future)


def is_item(value: Any) -> TypeGuard[Item[Any]]:
    """Tell whether `value` is an Item."""
    return isinstance(value, Item)


def loaded_item(value: Any) -> Any:
    """Return the data if `value` is an Item, else `value`."""
    return value.load() if is_item(value) else value


def load_items(value: Any) -> Any:
    """Return `value` with the data of each Item in its place; futures stay as they are."""
    return replace(value, loaded_item)


def _settled(value: Any) -> Any:
    if is_future_list(value):
        return [settle(future) for future in value]
    if is_future(value) or is_state(value):
        return settle(result_of(value))
    return value


def _settled_future(value: Any) -> Any:
    if is_future_list(value):
        return [settle_futures(future) for future in value]
    if is_future(value):
        return settle_futures(result_of(value))
    return value


def _loaded(value: Any) -> Any:
    if is_item(value):
        return value.load()
    settled = _settled(value)
    return value if settled is value else load_items(settled)
