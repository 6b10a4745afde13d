"""Outputs of another task, which no store gives as this task's."""

from __future__ import annotations

import contextvars
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from notes_store import NotesStore

from prefectx import current_mode, flow, load, task, use_mode
from prefectx.errors import TargetCollision
from prefectx.records import Record
from prefectx.stores import Filestore, MemoryStore, SQLStore, Store
from prefectx.stores.folders import atomic
from prefectx.stores.folders.remote import RemoteFolder
from prefectx.stores.record import parsed, text_of
from prefectx.stores.sql_engine import Database

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_prefectx import Targets


@pytest.fixture(params=["url", "folder", "memory", "own", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, tmp_target: Targets) -> Store:
    """A store of each kind."""
    name = uuid.uuid4().hex
    kinds: dict[str, Any] = {
        "url": lambda: Filestore(f"memory://{name}/folder"),
        "folder": lambda: Filestore(tmp_path),
        "memory": MemoryStore,
        "own": NotesStore.emptied,
        "sqlite": lambda: SQLStore(f"sqlite:///{tmp_path}/a.db"),
        "postgresql": lambda: request.getfixturevalue("postgresql"),
    }
    made: Store = kinds[request.param]()
    return made


@flow
def calls(decorated: Callable[..., Any], values: Any) -> object:
    """One run: a call for each value."""
    return [decorated(value) for value in values]


def left_and_right(store: Store, target: str = "out/{x}") -> tuple[Any, Any]:
    """Return two tasks that share their targets."""

    def left(x: int) -> str:
        return f"left {x}"

    def right(x: int) -> str:
        return f"right {x}"

    side = task(store=store, target=target, name="side")
    return side(left), side(right)


@pytest.mark.prefectx("cache")
class TestTargetOfAnotherTask:
    @pytest.mark.parametrize("target", ["out/{x}", "out/{x}/value.json"])
    @pytest.mark.parametrize("position", [0, 1, 2, 7, 39])
    def test_target_of_another_task_is_found_among_ones_own_wherever_it_comes(
        self, position: int, target: str, store: Store
    ) -> None:
        left, right = left_and_right(store, target)
        calls(left, [position])
        calls(right, [x for x in range(40) if x != position])
        with pytest.raises(TargetCollision, match=f"was made by another task: .*left.x={position}"):
            calls(right, range(40))

    def test_target_of_another_task_is_found_outside_of_flows(self, store: Store) -> None:
        left, right = left_and_right(store)
        calls(left, [2])
        assert load([right(0), right(1)]) == ["right 0", "right 1"]
        with pytest.raises(TargetCollision, match="was made by another task"):
            right(2)

    def test_target_of_another_task_is_found_although_calls_of_the_run_made_others_before(
        self, store: Store
    ) -> None:
        left, right = left_and_right(store)
        calls(left, [3])
        with pytest.raises(TargetCollision, match="was made by another task"):
            calls(right, [0, 0, 1, 1, 2, 3])

    def test_target_of_another_task_is_made_anew_once_it_was_deleted(self, store: Store) -> None:
        left, right = left_and_right(store)
        calls(left, range(4))

        @flow
        def handed_over() -> object:
            for x in range(4):
                left.item(x).delete()
            return [right(x) for x in [0, 1, 2, 3, 0, 1, 2, 3]]

        assert load(handed_over()) == [f"right {x}" for x in [0, 1, 2, 3, 0, 1, 2, 3]]
        assert load(calls(right, range(4))) == [f"right {x}" for x in range(4)]
        with pytest.raises(TargetCollision, match="was made by another task"):
            calls(left, [0])

    def test_target_of_another_task_that_was_made_since_the_run_has_looked_is_never_taken(
        self, store: Store
    ) -> None:
        left, right = left_and_right(store)
        calls(right, range(4))

        @flow
        def meanwhile() -> object:
            right(0)
            # As another process would.
            contextvars.Context().run(calls, left, [40])
            return right(40)

        with suppress(TargetCollision):
            # Where a folder is listed once a run it is made anew.
            assert load(meanwhile()) == "right 40"

    def test_target_of_another_task_that_was_made_in_place_of_ones_own_is_never_taken(
        self, store: Store
    ) -> None:
        left, right = left_and_right(store)
        calls(right, range(40))

        @flow
        def meanwhile() -> object:
            right(0)
            contextvars.Context().run(store.delete, "out/30")
            contextvars.Context().run(calls, left, [30])
            return right(30)

        with pytest.raises(TargetCollision, match="was made by another task"):
            meanwhile()

    def test_target_of_another_task_whose_record_has_gone_is_looked_for_anew(
        self, store: Store
    ) -> None:
        _, right = left_and_right(store)
        calls(right, range(40))

        @flow
        def meanwhile() -> object:
            right(0)
            contextvars.Context().run(store.delete, "out/30")
            return right(30)

        assert load(meanwhile()) == "right 30"

    def test_target_of_another_task_counts_if_no_record_says_whose_it_is(
        self, store: Store
    ) -> None:
        _, right = left_and_right(store)
        for x in range(3):
            store.save(f"out/{x}", f"right {x}")
        assert load(calls(right, range(3))) == [f"right {x}" for x in range(3)]
        assert [store.look(f"out/{x}") for x in range(4)] == ["", "", "", None]


@pytest.mark.parametrize("way", ["submit", "map"])
@pytest.mark.prefectx("cache", "prefect.skip")
def test_what_another_task_made_is_found_by_a_task_that_is_submitted(
    way: str, store: Store
) -> None:
    if isinstance(store, MemoryStore | NotesStore) and current_mode() == "prefect.skip":
        pytest.skip("this store lives in one process")
    left, right = left_and_right(store)
    with use_mode("cache"):
        calls(left, [25])
        calls(right, range(25))

    @flow
    def submitted(number: int) -> object:
        if way == "map":
            return right.map(range(number))
        return [right.submit(x) for x in range(number)]

    assert load(submitted(25)) == [f"right {x}" for x in range(25)]
    with pytest.raises(TargetCollision, match="was made by another task"):
        submitted(26)


class Killed(BaseException):
    """Stands for the end of a process."""


@pytest.fixture(params=["url", "old folder", "own", "sqlite"])
def mortal(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Store, list[int]]:
    """A store, and a list: its last number says before which step it is killed, from 1 on."""
    kind = request.param
    if kind == "old folder":
        monkeypatch.setattr(atomic, "nameless", lambda *_: None)
        monkeypatch.setattr(atomic, "_HAS_NOTES", False)
    stores: dict[str, tuple[Store, list[tuple[Any, str]]]] = {
        "url": (Filestore(f"memory://{uuid.uuid4().hex}/folder"), [(RemoteFolder, "_put")]),
        "old folder": (Filestore(tmp_path), [(atomic, "_rename")]),
        "own": (NotesStore.emptied(), [(NotesStore, "save"), (NotesStore, "save_record")]),
        "sqlite": (SQLStore(f"sqlite:///{tmp_path}/a.db"), [(Database, "upsert")]),
    }
    store, places = stores[kind]
    left: list[int] = [0]
    for owner, name in places:
        step = getattr(owner, name)

        def killed(*args: Any, step: Any = step, **options: Any) -> object:
            left[-1] -= 1
            if not left[-1]:
                raise Killed
            return step(*args, **options)

        monkeypatch.setattr(owner, name, killed)
    return store, left


def record_of_call(call: str) -> str:
    """Return the text of a record."""
    made = "2026-01-01T00:00:00.000+00:00"
    return text_of(Record(task="a", call=call, made=made, seconds=0, python="3.11", code="0"))


@pytest.mark.parametrize("before", [None, "earlier"])
@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_whoever_is_killed_leaves_no_output_without_a_record_that_is_true_of_it(
    step: int, before: str | None, mortal: tuple[Store, list[int]]
) -> None:
    store, steps = mortal
    if before is not None:
        store.save_recorded("out/a", before, record_of_call(before))
    steps.append(step)
    with suppress(Killed):
        store.save_recorded("out/a", "later", record_of_call("later"))
    steps.append(0)
    if not store.exists("out/a"):
        return
    assert store.look("out/a") != ""
    record = parsed(store.load_record("out/a") or "")
    assert record is not None
    assert not record.complete or record.call == store.load("out/a")


@pytest.mark.prefectx("cache")
class TestStoreThatChangesAStep:
    def test_store_that_changes_a_step_is_asked_step_by_step(self, tmp_path: Path) -> None:
        class Hiding:
            def exists(self, target: str) -> bool:
                return "hidden" not in target and Filestore.exists(self, target)  # type: ignore[arg-type]

        class Both(Hiding, Filestore):
            pass

        for target in ("hidden", "shown"):
            Filestore(tmp_path).save_recorded(target, 1, record_of_call("a"))
        store = Both(tmp_path)
        assert [store.look("hidden"), bool(store.look("shown"))] == [None, True]

    def test_store_that_changes_a_step_is_asked_at_once_if_it_says_how(
        self, tmp_path: Path
    ) -> None:
        class Own(Filestore):
            def exists(self, target: str) -> bool:
                return self.look(target) is not None

            def look(self, target: str) -> str | None:
                return None if "hidden" in target else super().look(target)

        class Further(Own):
            pass

        assert Further.look is Own.look
        assert not Further(tmp_path).exists("hidden")


@pytest.mark.prefectx("cache")
class TestCodeThatWasChanged:
    def test_code_that_was_changed_is_told_with_the_count_of_its_targets(
        self, store: Store
    ) -> None:
        first, changed = (
            dict[str, Any](version=version, __name__="notes") for version in ("first", "changed")
        )
        for namespace in (first, changed):
            source = f"def fetch(x):\n    return '{namespace['version']}', x\n"
            exec(source, namespace)  # noqa: S102 - two versions of one function
        before, now = (
            task(store=store, target="out/{x}")(namespace["fetch"])
            for namespace in (first, changed)
        )
        calls(before, range(5))
        with pytest.warns(match=r"5 targets may be outdated.*another version"):
            assert load(calls(now, range(5))) == [("first", x) for x in range(5)]


def test_records_are_not_asked_for_outside_of_the_cache(store: Store) -> None:
    left, right = left_and_right(store)
    with use_mode("function"):
        assert [left(1), right(1)] == ["left 1", "right 1"]
    assert list(store.list()) == []
