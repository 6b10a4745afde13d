"""Tasks below `@classmethod` are given the class, however they are called and whatever it is."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import cloudpickle
import pytest

from prefectx import load, task

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]

SeenBy = tuple[str, int]


class Plain:
    @classmethod
    @task(target="{funcname}/{cls.__name__}/{x}")
    def seen(cls, x: int = 1) -> SeenBy:
        return cls.__name__, x


class Inherits(Plain):
    pass


class Overrides(Plain):
    @classmethod
    def seen(cls, x: int = 1) -> tuple[str, int]:  # type: ignore[override]
        return super().seen.submit(x).result()


@dataclass(slots=True)
class Slots:
    """Which `dataclass` makes anew, out of the one that was decorated."""

    a: int = 0

    @classmethod
    @task(target=None)
    def seen(cls, x: int = 1) -> SeenBy:
        return cls.__name__, x


class Color(enum.Enum):
    RED = 1

    @classmethod
    @task(target=None)
    def seen(cls, x: int = 1) -> SeenBy:
        return cls.__name__, x


@pytest.mark.parametrize("owner", [Plain, Inherits, Slots, Color])
def test_each_way_to_call_is_given_the_class(owner: Any) -> None:
    name = owner.__name__
    assert load(owner.seen(2)) == (name, 2)
    assert load(owner.seen.submit(2)) == (name, 2)
    assert load(owner.seen.submit()) == (name, 1), "an argument is not taken for the class"
    assert load(owner.seen.map([1, 2])) == [(name, 1), (name, 2)]
    assert load(owner.seen.with_options(tags=["a"]).submit(3)) == (name, 3)


def test_an_instance_and_a_super_call_give_the_class() -> None:
    assert load(Slots(1).seen.submit(4)) == ("Slots", 4)
    assert load(Overrides.seen(5)) == ("Overrides", 5)


def test_the_target_names_the_class_it_is_called_on() -> None:
    assert Plain.seen.item(4).target == "seen/Plain/4"
    assert Inherits.seen.item(4).target == "seen/Inherits/4"


def test_a_class_of_a_function_travels_to_other_processes_by_value() -> None:
    class Local:
        @classmethod
        @task(target=None)
        def seen(cls, x: int = 1) -> SeenBy:
            return cls.__name__, x

    arrived = cloudpickle.loads(cloudpickle.dumps(Local.seen))
    assert load(arrived.submit(6)) == ("Local", 6)


def test_nothing_else_is_left_in_the_class() -> None:
    assert [name for name in vars(Plain) if "prefectx" in name] == []
    assert list(Color) == [Color.RED]
