"""Two calls that write one target at the same moment never leave one's output as the other's."""

from __future__ import annotations

import contextvars
import threading
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from notes_store import NotesStore
from patience import PATIENCE

from prefectx import flow, load, task, use_mode
from prefectx.errors import TargetCollision
from prefectx.records import record_of
from prefectx.stores import Filestore


class Held(MemoryFileSystem):  # type: ignore[misc]
    """A file system on which each writer waits before its output appears."""

    protocol = "held"
    store: ClassVar[dict[str, object]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    waiting: ClassVar[dict[str, threading.Event]] = {}
    may_go: ClassVar[dict[str, threading.Event]] = {}

    def mv(self, path1: str, path2: str, **options: object) -> None:
        name = threading.current_thread().name
        if ".prefectx/records" not in path2 and name in self.waiting:
            self.waiting[name].set()
            assert self.may_go[name].wait(PATIENCE)
        super().mv(path1, path2, **options)


fsspec.register_implementation("held", Held, clobber=True)


class Waiting(NotesStore):
    """A store of one's own whose writers wait too, and whose records outlive their outputs."""

    def save(self, target: str, value: object) -> None:
        name = threading.current_thread().name
        if name in Held.waiting:
            Held.waiting[name].set()
            assert Held.may_go[name].wait(PATIENCE)
        super().save(target, value)

    def delete(self, target: str) -> None:
        # It forgets no record.
        self.kept.pop(target, None)


@pytest.fixture(params=[lambda: Filestore("held://bucket"), Waiting.emptied], ids=["url", "own"])
def store(request: pytest.FixtureRequest) -> object:
    for kept in (Held.store, Held.waiting, Held.may_go):
        kept.clear()
    for name in ("left", "right"):
        Held.waiting[name], Held.may_go[name] = threading.Event(), threading.Event()
    return request.param()


@pytest.mark.parametrize("order", [("left", "right"), ("right", "left")])
@pytest.mark.parametrize("writers", ["tasks", "calls"])
def test_of_two_that_write_at_once_one_is_told_and_removed(
    writers: str, order: tuple[str, str], store: object
) -> None:
    def left(x: object) -> object:
        return x

    def right(x: object) -> object:
        return x

    target = "out/constant"
    options: Any = {"target": target, "store": store}
    tasks = {"left": task(left, **options), "right": task(right, **options)}
    if writers == "calls":
        tasks["right"] = tasks["left"]

    @flow
    def one(name: str) -> object:
        return tasks[name](name)

    errors: dict[str, TargetCollision] = {}

    def write(name: str) -> None:
        try:
            with use_mode("cache"):
                one(name)
        except TargetCollision as error:
            errors[name] = error

    threads = {}
    for name in order:
        context = contextvars.copy_context()
        threads[name] = threading.Thread(target=context.run, args=(write, name), name=name)
        threads[name].start()
        assert Held.waiting[name].wait(PATIENCE)
    for name in order:
        Held.may_go[name].set()
        threads[name].join(PATIENCE)
    assert [*errors] == [order[0]]
    assert "was written by two calls at the same moment" in str(errors[order[0]])
    with use_mode("cache"):
        item = tasks[order[1]].item(order[1])
        assert load(item) == order[1]
        record = record_of(item)
        assert record is not None
        assert record.args == {"x": repr(order[1])}
