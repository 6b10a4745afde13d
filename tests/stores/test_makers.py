"""What another task has made is never given as this task's, whichever store keeps it."""

from __future__ import annotations

import pickle
import uuid
from pathlib import Path
from typing import Any

import pytest

from prefectx import flow, load, task, use_mode
from prefectx.errors import TargetCollision
from prefectx.stores import Filestore, MemoryStore, SQLStore, Store
from pytest_prefectx import Targets


class NotesStore(Store):
    """A store of somebody's own that keeps records."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._records: dict[str, str] = {}

    def exists(self, target: str) -> bool:
        return target in self._values

    def load(self, target: str) -> Any:
        return pickle.loads(self._values[target])

    def save(self, target: str, value: Any) -> None:
        self._values[target] = pickle.dumps(value)

    def delete(self, target: str) -> None:
        self._values.pop(target, None)
        self._records.pop(target, None)

    def list(self, prefix: str = "") -> list[str]:
        return [target for target in self._values if target.startswith(prefix)]

    def load_record(self, target: str) -> str | None:
        return self._records.get(target)

    def save_record(self, target: str, record: str) -> None:
        self._records[target] = record


@pytest.fixture(params=["url", "folder", "memory", "own", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, tmp_target: Targets) -> Store:
    """A store of each kind."""
    name = uuid.uuid4().hex
    kinds: dict[str, Any] = {
        "url": lambda: Filestore(f"memory://{name}/folder"),
        "folder": lambda: Filestore(tmp_path),
        "memory": MemoryStore,
        "own": NotesStore,
        "sqlite": lambda: SQLStore(f"sqlite:///{tmp_path}/a.db"),
        "postgresql": lambda: request.getfixturevalue("postgresql"),
    }
    made: Store = kinds[request.param]()
    return made


@flow
def calls(decorated: Any, values: Any) -> Any:
    """One run: a call for each value."""
    return [decorated(value) for value in values]


def left_and_right(store: Store, target: str = "out/{x}") -> tuple[Any, Any]:
    """Return two tasks that share their targets."""

    def left(x: int) -> str:
        return f"left {x}"

    def right(x: int) -> str:
        return f"right {x}"

    return tuple(task(store=store, target=target, name="side")(side) for side in (left, right))


@pytest.mark.prefectx("cache")
class TestTargetOfAnotherTask:
    @pytest.mark.parametrize("target", ["out/{x}", "out/{x}/value.json"])
    @pytest.mark.parametrize("position", [0, 1, 2, 7, 39])
    def test_is_found_among_ones_own_wherever_it_comes(
        self, position: int, target: str, store: Store
    ) -> None:
        left, right = left_and_right(store, target)
        calls(left, [position])
        calls(right, [x for x in range(40) if x != position])
        with pytest.raises(TargetCollision, match=f"was made by another task: .*left.x={position}"):
            calls(right, range(40))

    def test_is_found_outside_of_flows(self, store: Store) -> None:
        left, right = left_and_right(store)
        calls(left, [2])
        assert load([right(0), right(1)]) == ["right 0", "right 1"]
        with pytest.raises(TargetCollision, match="was made by another task"):
            right(2)

    def test_is_found_although_calls_of_the_run_made_others_before(self, store: Store) -> None:
        left, right = left_and_right(store)
        calls(left, [3])
        with pytest.raises(TargetCollision, match="was made by another task"):
            calls(right, [0, 0, 1, 1, 2, 3])

    def test_is_made_anew_once_it_was_deleted(self, store: Store) -> None:
        left, right = left_and_right(store)
        calls(left, range(4))

        @flow
        def handed_over() -> Any:
            for x in range(4):
                left.item(x).delete()
            return [right(x) for x in [0, 1, 2, 3, 0, 1, 2, 3]]

        assert load(handed_over()) == [f"right {x}" for x in [0, 1, 2, 3, 0, 1, 2, 3]]
        assert load(calls(right, range(4))) == [f"right {x}" for x in range(4)]
        with pytest.raises(TargetCollision, match="was made by another task"):
            calls(left, [0])

    def test_is_found_by_a_task_that_is_submitted(self, store: Store) -> None:
        left, right = left_and_right(store)
        calls(left, [25])
        calls(right, range(25))

        @flow
        def mapped() -> Any:
            return right.map(range(26))

        with pytest.raises(TargetCollision, match="was made by another task"):
            mapped()

    def test_counts_if_no_record_says_whose_it_is(self, store: Store) -> None:
        _, right = left_and_right(store)
        for x in range(3):
            store.save(f"out/{x}", f"right {x}")
        assert load(calls(right, range(3))) == [f"right {x}" for x in range(3)]
        assert [store.look(f"out/{x}") for x in range(4)] == ["", "", "", None]


@pytest.mark.prefectx("cache")
class TestCodeThatWasChanged:
    def test_is_told_with_the_count_of_its_targets(self, store: Store) -> None:
        first, changed = (
            {"version": version, "__name__": "notes"} for version in ("first", "changed")
        )
        for namespace in (first, changed):
            source = f"def fetch(x):\n    return '{namespace['version']}', x\n"
            exec(source, namespace)  # noqa: S102 - code of our own making
        before, now = (
            task(store=store, target="out/{x}")(namespace["fetch"])
            for namespace in (first, changed)
        )
        calls(before, range(5))
        with pytest.warns(match=r"5 targets were made otherwise.*another version"):
            assert load(calls(now, range(5))) == [("first", x) for x in range(5)]


def test_records_are_not_asked_for_outside_of_the_cache(store: Store) -> None:
    left, right = left_and_right(store)
    with use_mode("function"):
        assert [left(1), right(1)] == ["left 1", "right 1"]
    assert list(store.list()) == []
