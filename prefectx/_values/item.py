"""`Item`: a small handle of an output in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeGuard, TypeVar, overload

from prefectx._settings.start_folder import start_folder_here
from prefectx._types import is_dict
from prefectx._values.containers import DATA, is_container, replace
from prefectx._values.handles import is_future, is_future_list, is_state, result_of
from prefectx._values.not_loaded import HasNoData, not_loaded
from prefectx._values.tracebacks import own_frames_hidden
from prefectx.errors import TargetMissing
from prefectx.stores.formats import suffix_of
from prefectx.stores.versions import load_version

if TYPE_CHECKING:
    from prefectx._values.future import Future, FutureList, Handle, State
    from prefectx.stores.base import Store

T = TypeVar("T")
K = TypeVar("K")

# The bases of calls without arguments.
_NO_NAMES: Final = ("", "_")
_DEFAULT_BASE: Final = r"~[0-9a-f]{8,16}$"


class Item(HasNoData, Generic[T]):
    """A frozen handle of a task's output in a store; it is small, whatever the size of the data.

    If an Item is passed to a task, its data is loaded where the task runs. An Item also has the
    methods of a finished future, so that code for futures works with it. If it is used as data, as
    in `if x`, `len(x)` or `x.column`, it raises `NotLoaded`: `load(x)` returns the data.

    Args:
        store: The store of the output.
        target: The output's readable name within the store.
        base: The base that a task on this Item uses; by default the target's last part.
        version: The version of the output that the Item loads, or None for whatever is there.

    Example:
        >>> Item(Filestore(), "working/pdf2text/report-7").base
        'report-7'
    """

    # The name in pickles, which must not change if the module moves.
    __module__ = "prefectx"

    # Prefect links results to runs by identity, and checks it by weak references if possible.
    __slots__ = ("__weakref__", "_base", "_store", "_target", "_version")

    def __init__(
        self, store: Store, target: str, base: str | None = None, version: str | None = None
    ) -> None:
        self._store = store
        self._target = target
        self._base = base
        self._version = version

    def note_version(self, version: str) -> Self:
        """Note which version of the output the call has found or made, before it returns the Item.

        It changes this Item, for each hit does it, and a new one would cost a tenth of a hit.
        """
        self._version = version
        return self

    @property
    def store(self) -> Store:
        """The store of the output."""
        return self._store

    @property
    def target(self) -> str:
        """The output's readable name within the store."""
        return self._target

    @property
    def base(self) -> str:
        """The base that a task on this Item uses."""
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
        """True if `base` was chosen by a person, not made from arguments."""
        if "~" not in self.base:
            return self.base not in _NO_NAMES
        import re

        return re.search(_DEFAULT_BASE, self.base) is None

    def exists(self) -> bool:
        """Tell whether the output exists."""
        return self.store.exists(self.target)

    def load(self, *, mmap: bool = False) -> T:
        """Return the data.

        Args:
            mmap: Whether to map the file into memory instead of reading it, so that a `.npy`
                target of any size opens at once. The array is read-only.

        Raises:
            TargetMissing: The target does not exist.
            CorruptTarget: The target cannot be read.
            TargetReplaced: A call returned this Item, and another one has recomputed the target.
            UnsupportedValue: The store or the format does not support `mmap`.
        """
        store, target = self.store, self.target
        with own_frames_hidden:
            if self._version is None:
                data: T = store.load_mapped(target) if mmap else store.load(target)
            elif mmap:
                data = load_version(store, target, self._version, store.load_mapped)
            else:
                data = store.load_version(target, self._version)
        return data

    def delete(self) -> None:
        """Remove the output, so that the next call recomputes it.

        Raises:
            TargetMissing: The target does not exist.
        """
        with own_frames_hidden:
            if not self.exists():
                msg = f"cannot delete {self.path!r}: it does not exist."
                raise TargetMissing(msg)
            self.store.delete(self.target)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> T:  # noqa: ARG002
        """Return the data, as a future's `result` does."""
        with own_frames_hidden:
            return self.load()

    def wait(self, timeout: float | None = None) -> None:
        """Return at once: there is nothing to wait for."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Item):
            with own_frames_hidden:
                raise not_loaded(self, "x == …")
        return self.target == other.target and self.path == other.path

    def __hash__(self) -> int:
        # It differs from the target's hash, or a dict with both would compare them.
        return hash((Item, self._target))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Item, (self._store, self._target, self._base, self._version))

    def __repr__(self) -> str:
        label = self.store.label()
        return f"Item({self.target!r})" if not label else f"Item({self.target!r}, {label!r})"


def item(target: str, store: Store | type[Store] | None = None) -> Item[Any]:
    """Return the Item of an existing output, to pass it to a task.

    Args:
        target: The output's name within the store, as in `"working/row_filter/a"`.
        store: A store or its class; by default `Filestore`: the current folder, or in a flow the
            one where the flow was called.

    Example:
        >>> item("working/row_filter/a").exists()
        False
    """
    from prefectx.stores import Filestore

    chosen = Filestore if store is None else store
    whole = chosen() if isinstance(chosen, type) else chosen
    return Item(whole.anchored(start_folder_here()), target)


# Types: a handle becomes its result's type, also in one level of containers; data is unchanged.
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
    """Return the data of an Item, a future or a state, also inside containers at any depth.

    It is needed only if a flow's own body computes with a task's output. Data is returned
    unchanged, so the same line works in every mode.

    Args:
        value: Data, an `Item`, a future, a state, or lists, tuples, sets, dicts and dataclasses
            of them.

    Raises:
        TargetMissing: An Item's output does not exist.
        CorruptTarget: An Item's output cannot be read.

    Example:
        >>> load([1, {"a": 2}])
        [1, {'a': 2}]
    """
    with own_frames_hidden:
        return replace(value, _load)


def is_handle(value: Any) -> bool:
    """Tell whether `value` is an Item, a future, a state or a list of futures."""
    if type(value) in DATA:
        return False
    return is_item(value) or is_future(value) or is_state(value) or is_future_list(value)


def settle(value: Any) -> Any:
    """Return `value` with futures and states replaced by their results: data or Items."""
    return replace(value, _settle_one)


def settle_futures(value: Any) -> Any:
    """Return `value` with futures replaced by their results; states are left unchanged."""
    return replace(value, _settle_one_future)


def is_item(value: Any) -> TypeGuard[Item[Any]]:
    """Tell whether `value` is an Item."""
    return isinstance(value, Item)


def load_item(value: Any) -> Any:
    """Return the data if `value` is an Item, else `value`."""
    return value.load() if is_item(value) else value


def load_items(value: Any) -> Any:
    """Return `value` with Items replaced by their data; futures are left unchanged."""
    return replace(value, load_item)


def load_result(value: Any) -> Any:
    """Return a function's result, with the Items and futures in it replaced by their data.

    States are returned unchanged: they say how the run has ended.
    """
    if is_state(value):
        return value
    if is_handle(value):
        return load_items(settle_futures(value))
    # Only one level deep: outputs may be large.
    if is_container(value):
        parts = value.values() if is_dict(value) else value
        return load_items(settle_futures(value)) if any(map(is_handle, parts)) else value
    return value


def _settle_one(value: Any) -> Any:
    if is_future_list(value):
        return [settle(future) for future in value]
    if is_future(value) or is_state(value):
        return settle(result_of(value))
    return value


def _settle_one_future(value: Any) -> Any:
    if is_future_list(value):
        return [settle_futures(future) for future in value]
    if is_future(value):
        return settle_futures(result_of(value))
    return value


def _load(value: Any) -> Any:
    if is_item(value):
        return value.load()
    settled = _settle_one(value)
    return value if settled is value else load_items(settled)
