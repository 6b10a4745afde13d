"""`Store`: a user's own, in ten lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from handles import item_of

from prefectx import flow, item, load, task
from prefectx.errors import TargetMissing
from prefectx.records import record_of
from prefectx.stores import Filestore, Store

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


class DictStore(Store):
    """The ten lines."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def exists(self, target: str) -> bool:
        return target in self.kept

    def load(self, target: str) -> object:
        return self.kept[target]

    def save(self, target: str, value: object) -> None:
        self.kept[target] = value

    def delete(self, target: str) -> None:
        self.kept.pop(target, None)

    def list(self, prefix: str = "") -> list[str]:
        return [target for target in self.kept if target.startswith(prefix)]


def double(x: int) -> int:
    return 2 * x


@pytest.mark.parametrize("store", [DictStore, DictStore()], ids=["class", "instance"])
def test_serves_as_class_and_as_instance(store: Any, tmp_target: Targets) -> None:
    decorated = task(store=store, target="{funcname}/{x}")(double)
    for _ in range(2):
        assert load(decorated(4)) == 8
    assert tmp_target.runs == {"double": 1}
    assert tmp_target.items() == []
    assert list(decorated.item(4).store.list()) == ["double/4"]
    assert list(decorated.item(4).store.list("other")) == []


def test_chains_with_other_stores(tmp_target: Targets) -> None:
    kept = task(store=DictStore, target="{base}")(double)
    filed = task(store=Filestore, target="out/{base}.json")(double)

    @flow
    def chain() -> int:
        return kept(filed(kept(filed(1))))

    assert load(chain()) == load(chain()) == 16
    assert tmp_target.runs == {"double": 4}
    assert len(tmp_target.items()) == 2


def test_has_sensible_defaults_for_the_rest(tmp_target: Targets) -> None:
    decorated = task(store=DictStore, target="{funcname}/{x}")(double)
    made = item_of(decorated(4))
    assert (made.path, made.target) == ("DictStore/double/4", "double/4")
    assert made.store.location("a") == "a"
    assert record_of(made) is None
    assert made.store.digest("double/4") == made.store.digest("double/4")
    made.store.save("double/5", 9)
    assert made.store.digest("double/4") != made.store.digest("double/5")


class FolderOfDicts(DictStore):
    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder


def test_two_of_one_class_in_two_places_are_told_apart() -> None:
    one, other = FolderOfDicts("a"), FolderOfDicts("b")
    assert one.label() == FolderOfDicts("a").label() != other.label()
    assert one.path("out/1") != other.path("out/1")
    first = task(store=one, target="out/{x}")(double)
    second = first.with_options(store=other)
    last = task(target="last/{base}", store=Filestore)(double)

    @flow
    def run() -> object:
        found = [item_of(first(1)), item_of(second(1))]
        found[1].store.save("out/1", 30)
        lists: list[Any] = [[item] for item in found]
        return [last(each) for each in lists]

    assert load(run()) == [[2, 2], [30, 30]]


def test_items_of_it_are_deleted_and_made_anew(tmp_target: Targets) -> None:
    decorated = task(store=DictStore, target="{funcname}/{x}")(double)
    made = item_of(decorated(4))
    made.delete()
    assert not made.exists()
    with pytest.raises(TargetMissing):
        made.delete()
    assert load(decorated(4)) == 8
    assert tmp_target.runs == {"double": 2}


def test_items_are_made_from_it_by_class_and_by_instance() -> None:
    store = DictStore()
    store.save("a", 1)
    assert item("a", store).load() == 1
    assert not item("a", DictStore).exists()
    assert isinstance(item("a").store, Filestore)


@pytest.mark.parametrize("missing", ["exists", "load", "save", "delete", "list"])
def test_an_incomplete_one_cannot_be_made(missing: str) -> None:
    incomplete = type("Incomplete", (DictStore,), {missing: getattr(Store, missing)})
    with pytest.raises(TypeError, match=f"abstract method.*{missing}"):
        incomplete()
    with pytest.raises(TypeError, match=f"abstract method.*{missing}"):
        task(store=incomplete)(double)


def test_with_save_false_is_asked_but_does_not_keep(tmp_target: Targets) -> None:
    store = DictStore()

    @task(store=store, save=False, target="out/{name}")
    def make(name: str) -> str:
        store.kept[f"out/{name}"] = "written by the function"
        return f"out/{name}"

    for _ in range(2):
        assert load(make("a")) == "out/a"
    assert tmp_target.runs == {"make": 1}
    assert store.kept == {"out/a": "written by the function"}


def test_exceptions_of_the_store_pass_through(tmp_target: Targets) -> None:
    class Full(DictStore):
        def save(self, target: str, value: object) -> None:  # noqa: ARG002
            raise OSError("disk is full")

    with pytest.raises(OSError, match="disk is full"):
        task(store=Full)(double)(1)
