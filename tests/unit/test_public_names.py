"""Names in stored files: public modules only, so that moves of private ones lose nothing."""

from __future__ import annotations

import enum
import pickletools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import prefectx.stores
from prefectx import Item, allow_failure, item, task, unmapped, use_mode
from prefectx.errors import NotLoaded
from prefectx.records import record_of
from prefectx.stores import Filestore, MemoryStore, SQLStore

if TYPE_CHECKING:
    from pytest_prefectx import TargetStore

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


def private_names(content: bytes) -> list[str]:
    """Return the texts in a pickle that name a private module or class of ours."""
    texts = [
        str(argument) for _, argument, _ in pickletools.genops(content) if argument is not None
    ]
    ours = [text for text in texts if text.startswith("prefectx")]
    assert ours, "the pickle names nothing of ours"
    public = ("prefectx", "prefectx.stores", "prefectx.errors", "prefectx.records")
    # Of older protocols, module and name are one text.
    return [text for text in ours if text.partition(" ")[0] not in public]


def kept(value: object) -> bytes:
    """Return the pickle that a store keeps of a value."""
    store = MemoryStore()
    store.save("a", value)
    return store.content("a")


@task(target="out/{n}", store=None)
def write(n: int) -> str:
    Path(f"out/{n}").write_text("text", encoding="utf-8")
    return f"out/{n}"


def written() -> Item[object]:
    """An Item of what a task wrote itself."""
    Path("out").mkdir()
    with use_mode("cache"):
        found: Any = write(1)
    assert isinstance(found, Item)
    return found


VALUES = {
    "Item": lambda: item("a"),
    "Item by URL": lambda: item("a", Filestore("memory://somewhere")),
    "Item in SQL": lambda: item("a", SQLStore("sqlite:///a.db")),
    "Item in memory": lambda: item("a", MemoryStore()),
    "Item of a self-written target": written,
    "Items in containers": lambda: [{"a": (item("a"), item("b", Filestore("b")))}],
    "marks": lambda: [unmapped(1), allow_failure(2)],
    "error": lambda: NotLoaded("text"),
}


@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES)
def test_a_pickle_names_public_modules_only(make: Any) -> None:
    assert private_names(kept(make())) == []


def test_so_does_that_of_a_record(tmp_target: TargetStore) -> None:
    @task
    def double(x: int) -> int:
        return 2 * x

    found: Any = double(2)
    assert private_names(kept(record_of(found))) == []


def test_so_does_that_of_what_a_script_defines(monkeypatch: pytest.MonkeyPatch) -> None:
    main = sys.modules["__main__"]

    class Colour(enum.Enum):
        RED = 1

    def shade(x: int) -> int:
        return x

    for made in (Colour, shade):
        made.__module__, made.__qualname__ = "__main__", made.__name__
        monkeypatch.setattr(main, made.__name__, made, raising=False)
    assert private_names(kept([Colour, Colour.RED, shade])) == []


@pytest.mark.parametrize("name", [*prefectx.stores.__all__, "SelfWritten"])
def test_classes_of_stores_say_that_they_are_of_the_public_module(name: str) -> None:
    found = getattr(prefectx.stores, name)
    if isinstance(found, type):
        assert found.__module__ == "prefectx.stores"
