"""Objects with an `__init__` of their own that hold what a task gives, and tasks that take them."""

from __future__ import annotations

import threading
from dataclasses import InitVar, dataclass, field
from typing import Any

from prefectx import flow, load, task

go = threading.Event()


@dataclass
class Computed:
    part: Any
    factor: InitVar[int]
    product: int = field(init=False)

    def __post_init__(self, factor: int) -> None:
        self.product = factor * 2


@dataclass
class Later:
    number: int
    part: Any = field(init=False)


class NamedDict(dict[str, Any]):
    def __init__(self, name: str, **parts: object) -> None:
        super().__init__(**parts)
        self.name = name


class NamedList(list[Any]):
    def __init__(self, name: str, *parts: object) -> None:
        super().__init__(parts)
        self.name = name


def holders_of(part: object) -> list[Any]:
    later = Later(3)
    later.part = part
    return [Computed(part, 5), later, NamedDict("d", key=part), NamedList("l", [part])]


def content_of(holder: Any) -> Any:
    if isinstance(holder, Computed):
        return holder.part, holder.product
    if isinstance(holder, Later):
        return holder.number, holder.part
    return (dict(holder) if isinstance(holder, dict) else list(holder)), holder.name


def contents(part: object) -> list[Any]:
    return [(part, 10), (3, part), ({"key": part}, "d"), ([[part]], "l")]


@task(target=None)
def late(value: Any) -> Any:
    """Wait, if it runs in the test's process, so that a future of it has not finished."""
    go.wait(0.2)
    return value


@task(target=None)
def fail(value: Any) -> Any:
    go.wait(0.2)
    raise LookupError(value)


@task
def look(holder: Any) -> Any:
    return content_of(holder)


@task(target=None)
def first(values: list[Any]) -> Any:
    return next(iter(values))


@flow
def looking(holder: Any) -> Any:
    return look(holder)


@flow
def unwrapping(holders: list[Any]) -> Any:
    return [content_of(load(holder)) for holder in holders]
