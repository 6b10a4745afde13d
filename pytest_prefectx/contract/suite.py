"""`StoreContract`: the tests that every store must pass, for authors of stores."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from prefectx import load, task, use_mode
from prefectx.errors import PrefectxError, TargetMissing, UnsupportedValue
from pytest_prefectx.contract.checks import (
    NAMES,
    for_each,
    require,
    require_identical,
    require_kept,
    sorted_targets,
    spoil,
)
from pytest_prefectx.equality import identical

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prefectx.stores import Store

ROUNDS: Final = 20
SAVERS: Final = 4


class StoreContract:
    r"""Tests the requirements of prefectx on a store. Subclass it, with an empty store.

    Override other attributes and tests that do not fit the store.

    Attributes:
        suffix: The suffix of all targets, for a store whose format depends on it.
        values: Values that the store can store: a sequence, or a hypothesis strategy.
        empty_values: False values that it can store.
        refused: Functions that return values that it cannot store.

    Example:
        >>> from prefectx.stores import Filestore
        >>> class TestText(StoreContract):
        ...     suffix = ".txt"
        ...     values = ("a", "two lines\n")
        ...     empty_values = ("",)
        ...     refused = (lambda: None, lambda: b"a")
        ...
        ...     @pytest.fixture
        ...     def store(self, tmp_path):
        ...         return Filestore(tmp_path)
        ...
        ...     def value(self, number):
        ...         return f"{number}\n" * 10_000
    """

    suffix: ClassVar[str] = ""
    values: ClassVar[Any] = (
        *(1, True, 1.0, -0.0, float("nan"), 10**50, "\u00e9\n\0", b"bytes", bytearray(b"b"), 1j),
        *([1, [2.0, None]], (1, (2,)), {"b": 1, "a": (2,)}, {1: 2}, {1, "a"}, frozenset({2.5})),
        *(range(3), ValueError("text", 1), ["x" * 100_000] * 10),
    )
    empty_values: ClassVar[Sequence[Any]] = (None, False, 0, 0.0, "", b"", [], (), {}, set[int]())
    refused: ClassVar[Sequence[Callable[[], Any]]] = (lambda: ["x" * 10**6, threading.Lock()],)

    def value(self, number: int) -> Any:
        """Return a large value that the store can store, a different one for each number."""
        return {"number": number, "rows": [f"{number} " * 20_000]}

    @pytest.fixture
    def store(self) -> Store:
        """The store: override this."""
        return pytest.fail(
            f"{type(self).__name__} must override the fixture `store` of StoreContract, which"
            " returns the store to test, fresh and empty.",
            pytrace=False,
        )

    @pytest.fixture
    def other_store(self) -> Store | None:
        """A store of the same class in another place; None if there is only one place."""
        return None

    def target(self, name: str) -> str:
        """Return the target with this name."""
        return f"contract/{name}{self.suffix}"

    def test_nothing_is_there_at_first(self, store: Store) -> None:
        """A new store is empty."""
        target = self.target("a")
        require(store.exists(target) is False, "exists() is not False although nothing was saved")
        require(
            sorted_targets(store) == [],
            f"list() gives {sorted_targets(store)}; the store must be empty",
        )
        require(store.load_record(target) is None, "load_record() gives what was never saved")

    def test_what_is_saved_is_there_and_comes_back_identical(self, store: Store) -> None:
        """`load` returns the saved value, with the same types."""
        for_each(self.values, partial(self._keeps, store))

    def test_empty_values_count_as_there(self, store: Store) -> None:
        """`None` and other false values are outputs like any other."""
        for value in self.empty_values:
            self._keeps(store, value)

    def test_a_loaded_value_is_a_fresh_copy(self, store: Store) -> None:
        """Changes of a value that was saved or loaded do not change the stored one."""
        saved, target = self.value(1), self.target("a")
        store.save(target, saved)
        spoil(saved)
        require_kept(store, target, self.value(1), "the value that was saved was changed later")
        spoil(store.load(target))
        require_kept(store, target, self.value(1), "a value that was loaded was changed")

    def test_saving_again_replaces(self, store: Store) -> None:
        """The store has the value that was saved last."""
        target = self.target("a")
        for number in (1, 2, 1):
            store.save(target, self.value(number))
            require_kept(store, target, self.value(number), "the target was saved again")
        require(
            sorted_targets(store) == [target],
            f"list() gives {sorted_targets(store)} for one target",
        )

    def test_what_is_deleted_is_gone(self, store: Store) -> None:
        """A deletion removes one target and no other; the target can be saved again."""
        gone, stays = self.target("a"), self.target("ab")
        store.save(gone, self.value(1))
        store.save(stays, self.value(1))
        store.delete(gone)
        require(not store.exists(gone), "exists() is true after delete()")
        require(
            sorted_targets(store) == [stays], f"list() gives {sorted_targets(store)}, not {[stays]}"
        )
        require_kept(store, stays, self.value(1), "another target was deleted")
        store.save(gone, self.value(2))
        require_kept(store, gone, self.value(2), "the target was deleted before")

    def test_deleting_what_is_not_there_does_nothing(self, store: Store) -> None:
        """Another process may have deleted the target."""
        for name in ("a", "folder/a"):
            store.delete(self.target(name))
        store.save(self.target("a"), self.value(1))
        store.delete(self.target("a"))
        store.delete(self.target("a"))

    def test_loading_what_is_missing_raises_target_missing_naming_it(self, store: Store) -> None:
        """The error is prefectx's own and names the target."""
        self._misses(store, self.target("never-saved"))

    def test_list_gives_the_targets_that_start_with_the_prefix(self, store: Store) -> None:
        """Exactly those: a prefix is the start of a text, not a folder."""
        targets = sorted(map(self.target, ("ab/c", "ab/d/e", "abc", "b", "a.b")))
        for target in targets:
            store.save(target, self.value(1))
            store.save_record(target, "{}")
        for prefix in ("", "contract/", "contract/ab", "contract/ab/", targets[0], "ab", "/", "x"):
            expected = [target for target in targets if target.startswith(prefix)]
            given = sorted_targets(store, prefix)
            require(given == expected, f"list({prefix!r}) gives {given}, not {expected}")

    def test_the_start_of_a_target_is_no_target(self, store: Store) -> None:
        """A folder with an output in it is not a target."""
        store.save(self.target("ab/c"), self.value(1))
        for target in ("contract", "contract/", "contract/a", "contract/ab", "contract/ab/"):
            require(not store.exists(target), f"exists({target!r}): only a longer one was saved")
        self._misses(store, "contract/ab")

    def test_nothing_is_below_a_target(self, store: Store) -> None:
        """An output is not a folder, so there is nothing to load or delete in it."""
        store.save(self.target("a"), self.value(1))
        self._misses(store, f"{self.target('a')}/b")
        require_kept(store, self.target("a"), self.value(1), "what is not below it was deleted")

    def test_odd_names_are_kept_apart_or_refused(self, store: Store) -> None:
        """Different names never share an output; a name may be refused."""
        kept: dict[str, int] = {}
        for number, target in enumerate(map(self.target, NAMES)):
            try:
                store.save(target, self.value(number))
            except (PrefectxError, OSError):
                with suppress(PrefectxError, OSError):
                    require(not store.exists(target), f"{target!r} is refused, and yet it exists")
            else:
                kept[target] = number
        for target, number in kept.items():
            require_kept(store, target, self.value(number), f"others than {target!r} were saved")
        require(
            sorted_targets(store) == sorted(kept),
            f"list() gives {sorted_targets(store)}, not {kept}",
        )
        for target in kept:
            store.delete(target)
            require(not store.exists(target), f"exists({target!r}) is true after delete()")
        require(
            sorted_targets(store) == [],
            f"list() gives {sorted_targets(store)} after all was deleted",
        )

    def test_what_cannot_be_kept_is_refused_and_leaves_nothing(self, store: Store) -> None:
        """`UnsupportedValue` is raised, there is no partial output, an old one is unchanged."""
        target, old = self.target("new"), self.target("old")
        store.save(old, self.value(1))
        for make in self.refused:
            for refusing in (target, old):
                with pytest.raises(UnsupportedValue):
                    store.save(refusing, make())
            require(not store.exists(target), "exists() is true although save() refused")
            require(
                sorted_targets(store) == [old],
                f"list() gives {sorted_targets(store)} after save() refused",
            )
            require_kept(store, old, self.value(1), "save() refused another one")

    def test_saving_in_several_threads_leaves_one_value_whole(self, store: Store) -> None:
        """A reader never sees a partial value, nor a missing one."""
        target, start = self.target("a"), threading.Barrier(SAVERS)
        values = [self.value(number) for number in range(SAVERS)]
        store.save(target, values[0])

        def save_and_load(value: Any) -> bool:
            whole = True
            start.wait(timeout=60)
            for _ in range(ROUNDS):
                store.save(target, value)
                loaded = store.load(target)
                whole = whole and any(identical(loaded, one) for one in values)
            return whole

        with ThreadPoolExecutor(SAVERS) as pool:
            whole = list(pool.map(save_and_load, values))
        require(all(whole), "load() gave a value that nobody had saved")
        require(
            sorted_targets(store) == [target],
            f"list() gives {sorted_targets(store)} for one target",
        )

    def test_the_store_survives_pickling(
        self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A pickled copy, in another folder too, sees the same targets."""
        store.save(self.target("a"), self.value(1))
        travelling = pickle.dumps(store)
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path.parent)
            copy: Store = pickle.loads(travelling)
            require_kept(copy, self.target("a"), self.value(1), "the store was pickled")
            require(copy.label() == store.label(), f"label() is {copy.label()!r} of the copy")
            copy.save(self.target("b"), self.value(2))
        require_kept(store, self.target("b"), self.value(2), "a pickled copy saved it")

    def test_records_are_kept_or_not_and_are_no_targets(self, store: Store) -> None:
        """A record is no target; a store need not support records."""
        target, record = self.target("a/b"), '{"text": "\u00e9\n"}'
        store.save_record(target, "{}")
        store.save_record(target, record)
        require(store.load_record(target) in {record, None}, "load_record() gives another record")
        require(not store.exists(target), "a record alone makes exists() true")
        require(
            sorted_targets(store) == [], f"list() gives {sorted_targets(store)} for a record alone"
        )
        store.save_recorded(target, self.value(1), record)
        require_kept(store, target, self.value(1), "save_recorded()")
        require(store.load_record(target) in {record, None}, "load_record() gives another record")
        require(
            sorted_targets(store) == [target],
            f"list() gives {sorted_targets(store)} for a recorded target",
        )

    def test_the_digest_differs_when_the_output_differs(self, store: Store) -> None:
        """It is the same for equal outputs."""
        first, second = self.target("a"), self.target("b")
        store.save(first, self.value(1))
        store.save(second, self.value(1))
        digest = store.digest(first)
        require(digest == store.digest(first), "digest() differs from one call to the next")
        require(digest == store.digest(second), "digest() differs for one output in two targets")
        store.save(first, self.value(2))
        require(digest != store.digest(first), "digest() is the same for another output")

    def test_path_label_and_location_are_texts(self, store: Store) -> None:
        """They are for people and for names; each target has another path."""
        first, second = self.target("a"), self.target("b")
        for text in (store.label(), store.path(first), store.location(first)):
            require(type(text) is str, f"{text!r} is no str")
        require(store.path(first) != store.path(second), "path() is the same for two targets")

    def test_another_store_is_another_place(self, store: Store, other_store: Store | None) -> None:
        """Stores in two places share nothing, and have different labels."""
        if other_store is None:
            pytest.skip("the fixture other_store is not overridden")
        target = self.target("a")
        store.save(target, self.value(1))
        require(not other_store.exists(target), "what one store holds is in the other")
        require(store.label() != other_store.label(), "label() is the same in two places")
        paths = store.path(target), other_store.path(target)
        require(paths[0] != paths[1], f"path() is {paths[0]!r} in two places")

    def test_a_task_runs_once_and_again_after_a_delete(self, store: Store) -> None:
        """A task works with the store in mode `cache`."""
        runs: list[int] = []

        @task(store=store, target="contract/{x}" + self.suffix)
        def make(x: int) -> Any:
            runs.append(x)
            return self.value(x)

        with use_mode("cache"):
            for _ in range(2):
                require_identical(load(make(1)), self.value(1), "the task's output is another")
            require(runs == [1], f"the task ran {len(runs)} times although its output was stored")
            store.delete(self.target("1"))
            load(make(1))
        require(runs == [1, 1], "the task did not run although its output was deleted")

    def _misses(self, store: Store, target: str) -> None:
        require(not store.exists(target), f"exists({target!r}) is true")
        for method in (store.load, store.digest):
            with pytest.raises(TargetMissing) as caught:
                method(target)
            require(target in str(caught.value), f"{caught.value!r} does not name {target!r}")
        store.delete(target)

    def _keeps(self, store: Store, value: Any) -> None:
        target = self.target("value")
        store.save(target, value)
        require(store.exists(target) is True, f"exists() is not True after {value!r} was saved")
        require(
            sorted_targets(store) == [target],
            f"list() gives {sorted_targets(store)}, not {[target]}",
        )
        require_kept(store, target, value, "it was saved")
        store.delete(target)


# The public module, for tracebacks, pickles and help.
StoreContract.__module__ = "pytest_prefectx"
