"""An Item that a call returned loads what that call made, or says that it was replaced since."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from notes_store import NotesStore

from prefectx import Item, flow, load, task
from prefectx.errors import TargetMissing, TargetReplaced
from prefectx.stores import Filestore, MemoryStore, SQLStore, Store
from prefectx.stores.record import parsed, text_of
from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("cache")


class Reversed(Filestore):
    """A Filestore that reads in a way of its own."""

    def load(self, target: str) -> Any:
        return -super().load(target)


KINDS: dict[str, Callable[[Path], Store]] = {
    "folder": Filestore,
    "subclass": Reversed,
    "url": lambda path: Filestore(f"memory://{path.name}"),
    "memory": lambda _: MemoryStore(),
    "sqlite": lambda path: SQLStore(f"sqlite:///{path}/a.db"),
    "own": lambda _: NotesStore.emptied(),
}


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return KINDS[request.param](tmp_path)


@flow
def run(decorated: Any, x: Any) -> Any:
    """A run of one call: in one run, two calls never share a target."""
    return decorated(x)


def squares(store: Store, target: str = "out/constant") -> Any:
    """Return a task whose target leaves out its argument."""

    @task(store=store, target=target)
    def square(x: Any) -> Any:
        return x * x

    return square


class TestAnItemOfACall:
    def test_says_that_another_call_has_replaced_its_output(self, store: Store) -> None:
        square = squares(store)
        first = run(square, 3)
        expected = load(first)
        first.delete()
        second = run(square, 4)
        assert load(second) != expected
        with pytest.raises(TargetReplaced, match=r"'out/constant' .* by another call: .*x=4\)"):
            load(first)

    def test_says_so_after_hits_too(self, store: Store) -> None:
        square = squares(store)
        run(square, 3)

        @flow
        def hits() -> Any:
            return [square(3) for _ in range(3)]

        items = hits()
        items[0].delete()
        run(square, 4)
        for item in items:
            with pytest.raises(TargetReplaced):
                load(item)

    def test_says_so_after_it_was_pickled(self, tmp_path: Path) -> None:
        square = squares(Filestore(tmp_path))
        kept = pickle.dumps(run(square, 3))
        square.item(3).delete()
        run(square, 4)
        with pytest.raises(TargetReplaced):
            load(pickle.loads(kept))

    def test_loads_what_the_same_call_has_made_once_more(self, store: Store) -> None:
        square = squares(store)
        first = run(square, 3)
        expected = load(first)
        for x in (4, 3):
            square.item(x).delete()
            run(square, x)
        assert load(first) == expected

    def test_loads_what_a_person_has_put_there(self, tmp_path: Path) -> None:
        square = squares(Filestore(tmp_path), "out/a.txt")

        @task(store=Filestore(tmp_path), target="out/a.txt")
        def text(x: str) -> str:
            return x

        item = run(text, "made")
        (tmp_path / "out/a.txt").unlink()
        (tmp_path / "out/a.txt").write_text("by hand")
        assert load(item) == "by hand"
        assert load(square.item(3)) == "by hand"

    def test_of_a_file_without_a_record_says_so_too(self, tmp_path: Path) -> None:
        store = Filestore(tmp_path)
        store.save("out/constant", 9)
        square = squares(store)
        item = run(square, 3)
        assert load(item) == 9
        item.delete()
        run(square, 4)
        with pytest.raises(TargetReplaced):
            load(item)

    def test_of_mapped_files_says_so_too(self, tmp_path: Path) -> None:
        np = pytest.importorskip("numpy")
        square = squares(Filestore(tmp_path), "out/a.npy")
        first = run(square, np.arange(3))
        assert first.load(mmap=True).tolist() == [0, 1, 4]
        first.delete()
        run(square, np.arange(2))
        with pytest.raises(TargetReplaced):
            first.load(mmap=True)

    def test_of_a_function_that_writes_its_output_says_so_too(self, tmp_target: Targets) -> None:
        @task(target="out/a.txt", store=None)
        def write(x: int) -> str:
            Path("out").mkdir(exist_ok=True)
            Path("out/a.txt").write_text(str(x))
            return "out/a.txt"

        first = run(write, 3)
        assert load(first) == "out/a.txt"
        first.delete()
        run(write, 4)
        with pytest.raises(TargetReplaced):
            load(first)
        assert tmp_target.runs == {"write": 2}

    def test_given_to_a_task_says_so_before_the_function_runs(self, tmp_target: Targets) -> None:
        square = squares(Filestore())

        @task
        def double(x: int) -> int:
            return 2 * x

        first = run(square, 3)
        first.delete()
        run(square, 4)
        with pytest.raises(TargetReplaced):
            run(double, first)
        assert "double" not in tmp_target.runs

    def test_that_was_told_to_be_of_another_call_loads_that_one(self, store: Store) -> None:
        square = squares(store)
        made = load(run(square, 3))
        with pytest.warns(match="was made by another call"):
            item = run(square, 4)
        assert load(item) == made


def scaling(factor: int, store: Store, *, isolate: bool = False) -> Any:
    """Return a task that has other code than one with another factor."""

    @task(store=store, target="out/{x}", isolate=isolate)
    def scale(x: int) -> int:
        return factor * x

    return scale


@pytest.mark.parametrize("isolate", [False, True])
def test_an_item_of_other_code_says_that_it_was_replaced(isolate: bool, tmp_path: Path) -> None:
    store = Filestore(tmp_path)
    first = run(scaling(2, store, isolate=isolate), 3)
    assert load(first) == 6
    first.delete()
    run(scaling(5, store), 3)
    with pytest.raises(TargetReplaced, match="by other code"):
        load(first)


def test_items_of_an_accepted_output_load_it_until_it_is_replaced(tmp_path: Path) -> None:
    store = Filestore(tmp_path)
    before, after = scaling(2, store), scaling(5, store)
    held = run(before, 3)
    record = parsed(store.load_record("out/3") or "")
    assert record is not None
    # As `prefectx accept` does: a record of the present code, beside the file.
    store.save_record("out/3", text_of(record._replace(code=after.code.hash)))
    hit = run(after, 3)
    assert load([held, hit]) == [6, 6]
    held.delete()
    run(scaling(7, store), 3)
    for item in (held, hit):
        with pytest.raises(TargetReplaced):
            load(item)


REPLACING = """
import sys
from prefectx import task, use_mode
from prefectx.stores import Filestore, SQLStore

store = {"file": Filestore, "sqlite": SQLStore}[sys.argv[1]](sys.argv[2])

@task(store=store, target="out/constant", name="square")
def square(x):
    return [x] * 1000

from prefectx.errors import StaleTarget
import warnings
warnings.simplefilter("ignore", StaleTarget)

with use_mode("cache"):
    square(3)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(sys.argv[3])):
        for x in (3, 4):
            store.delete("out/constant")
            square(x)
"""


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_an_item_never_loads_what_another_process_is_making_meanwhile(
    kind: str, tmp_path: Path
) -> None:
    root = str(tmp_path) if kind == "file" else f"sqlite:///{tmp_path}/a.db"
    store = Filestore(root) if kind == "file" else SQLStore(root)
    script = tmp_path / "replacing.py"
    script.write_text(REPLACING)
    command = [sys.executable, str(script), kind, root, "200"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=tmp_path, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        first = _item_of(store.load_record("out/constant"), store)
        assert first is not None
        assert load(first) == [3] * 1000
        process.stdin.write("go\n")
        process.stdin.flush()
        latest = None
        while process.poll() is None:
            if latest is None:
                latest = _item_of(store.load_record("out/constant"), store)
                continue
            try:
                assert load(latest) == [3] * 1000
            except (TargetReplaced, TargetMissing):
                latest = None
    assert process.returncode == 0
    with pytest.raises(TargetReplaced):
        load(first)


def _item_of(record: str | None, store: Store) -> Item[Any] | None:
    """Return the Item that the call `square(3)` of the other process has returned."""
    found = parsed(record or "")
    if found is None or "x=3" not in found.call:
        return None
    return Item(store, "out/constant").note_version(found.version)
