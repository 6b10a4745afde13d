"""Items of one label and target that lie in two folders are two inputs."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import Item, flow, item, load, task
from prefectx.errors import StaleTarget, TargetCollision
from prefectx.stores import Filestore, MemoryStore, SQLStore

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


@flow
def run(decorated: Callable[..., object], value: Any) -> Any:
    return decorated(value)


@flow
def both(decorated: Callable[..., object], one: Any, other: Any) -> object:
    return decorated(one), decorated(other)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Go to a folder, in which `in.json` holds the folder's name."""

    def go(name: str) -> None:
        folder = tmp_path / name
        (folder / "sub").mkdir(parents=True, exist_ok=True)
        Filestore(folder).save("in.json", name)
        Filestore(folder / "sub").save("in.json", name)
        monkeypatch.chdir(folder)

    return go


def sent(one: Item[object]) -> Item[object]:
    found: Item[object] = pickle.loads(pickle.dumps(one))
    return found


STORES: list[Callable[[Path], object]] = [
    lambda folder: Filestore(folder / "shared"),
    lambda _: MemoryStore(),
    lambda folder: SQLStore(f"sqlite:///{folder}/kept.db"),
    lambda folder: Filestore(f"memory:/{folder}"),
]
ITEMS: list[Callable[[], object]] = [
    lambda: item("in.json"),
    lambda: item("in.json", Filestore("sub")),
    lambda: sent(item("in.json", Filestore("sub"))),
]
WITHIN: list[Callable[[object], object]] = [lambda x: x, lambda x: [x], lambda x: {"a": (x, [1])}]


@pytest.mark.parametrize("within", WITHIN)
@pytest.mark.parametrize("make", ITEMS)
@pytest.mark.parametrize("store", STORES)
def test_that_the_current_folder_finds(
    store: Any, make: Any, within: Any, there: Callable[[str], None], tmp_path: Path
) -> None:
    @task(store=store(tmp_path), target="out/constant")
    def held(x: object) -> Any:
        return x

    there("left")
    assert load(run(held, within(make()))) == within("left")
    there("right")
    with pytest.warns(StaleTarget, match="other arguments: x"):
        assert load(run(held, within(make()))) == within("left")
    there("left")
    assert load(run(held, within(make()))) == within("left")


def test_in_one_run_collide(there: Callable[[str], None], tmp_path: Path) -> None:
    there("left")
    left = sent(item("in.json"))
    there("right")
    right = sent(item("in.json"))

    @task(store=Filestore(tmp_path / "shared"))
    def held(x: str) -> str:
        return x

    with pytest.raises(TargetCollision):
        both(held, left, right)
    assert load(both(held, [left], [right])) == (["left"], ["right"]), "names have hashes"
    run(held, left)
    with pytest.raises(TargetCollision, match="was made by another call"):
        run(held, right)


PROJECT = """
from prefectx import task

@task(target="working/{x}")
def made(x):
    return (__name__, x)
"""


def test_of_two_projects_with_one_root(
    there: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each keeps its outputs in a folder `data` of its own, with one label."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("PREFECTX_ROOT")
    there("elsewhere")
    for name in ("north", "south"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "pyproject.toml").write_text("[tool.prefectx]\nroot = 'data'\n")
        (folder / f"project_{name}.py").write_text(PROJECT)
        monkeypatch.syspath_prepend(folder)

    @task(store=Filestore(tmp_path / "shared"), target="out/constant")
    def held(x: object) -> Any:
        return x

    north, south = (import_module(f"project_{name}").made for name in ("north", "south"))

    @flow
    def one(made: Any) -> Any:
        return held(made(1))

    assert load(one(north)) == ("project_north", 1)
    with pytest.warns(StaleTarget, match="other arguments: x"):
        one(south)
    with pytest.raises(TargetCollision):
        both(held, north(1), south(1))


def test_a_project_may_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = task(target="in/{x}")(lambda x: x)
    store = Filestore("kept")

    @task(store=store, target="out/{len(y)}")
    def held(x: object, y: str) -> Any:
        return x

    @flow
    def all_of_it() -> object:
        return held(source(1), "a"), held([item("in/1")], "bb")

    (tmp_path / "before").mkdir()
    monkeypatch.chdir(tmp_path / "before")
    first = load(all_of_it())
    monkeypatch.chdir(tmp_path)
    os.rename("before", "after")
    monkeypatch.chdir(tmp_path / "after")
    assert load(all_of_it()) == first
