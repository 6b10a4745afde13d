"""Containers that hold Items or futures: a task is given a copy of them with the data in place."""

from __future__ import annotations

import collections
import dataclasses
import types
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import attrs
import pydantic
import pydantic.v1
import pytest

from prefectx import Item, item, load, task, use_mode
from prefectx.errors import UnsupportedValue
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from collections.abc import Callable


pytestmark = pytest.mark.prefectx("function", "cache")


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)
    x: Any


class OpenModel(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    x: Any = 1
    _hidden: Any = pydantic.PrivateAttr(default=None)


class OldModel(pydantic.v1.BaseModel):
    x: Any


@attrs.define
class Defined:
    x: Any


@attrs.frozen
class Frozen:
    x: Any


@attrs.define(slots=False)
class WithDict:
    x: Any


@dataclasses.dataclass
class Doubled:
    """What it holds is known when it is made; a field is filled in later, or never."""

    x: Any
    scale: dataclasses.InitVar[int] = 2
    later: Any = dataclasses.field(init=False)

    def __post_init__(self, scale: int) -> None:
        self.kept = (scale, self.x)


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    x: Any


@dataclasses.dataclass
class Rows(list[Any]):
    """A list that has attributes as well."""

    owner: Any = None

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


class Pair(NamedTuple):
    left: Any
    right: Any


class Two(tuple[Any, Any]):
    """A tuple whose constructor takes its elements one by one."""

    __slots__ = ()

    def __new__(cls, left: object, right: object) -> Self:
        return super().__new__(cls, (left, right))


class Lower(dict[str, Any]):
    def __setitem__(self, key: str, value: object) -> None:
        super().__setitem__(key.lower(), value)


class Ring(collections.deque[Any]):
    """A deque that knows its owner."""

    owner: Any = None


def with_default(value: object) -> object:
    found: collections.defaultdict[str, Any] = collections.defaultdict(list)
    found["a"] = value
    return found


def owned_ring(value: object) -> Ring:
    ring = Ring([1], maxlen=3)
    ring.owner = value
    return ring


def open_model(value: object) -> OpenModel:
    model = OpenModel.model_validate({"x": 1, "more": value})
    model._hidden = [value]
    return model


def deep(value: object) -> object:
    for _ in range(400):
        value = [value]
    return value


HOLDERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "pydantic": (lambda x: Model(x=x), lambda m: m.x),
    "pydantic, nested": (lambda x: Model(x=[Model(x=x)]), lambda m: m.x[0].x),
    "pydantic, more than its fields": (open_model, lambda m: m.more),
    "pydantic, private": (open_model, lambda m: m._hidden[0]),
    "pydantic 1": (lambda x: OldModel(x=x), lambda m: m.x),
    "attrs": (Defined, lambda m: m.x),
    "attrs, frozen": (Frozen, lambda m: m.x),
    "attrs, no slots": (WithDict, lambda m: m.x),
    "dataclass": (Doubled, lambda m: m.x),
    "dataclass, no field": (Doubled, lambda m: m.kept[1]),
    "dataclass, frozen, slots": (Slotted, lambda m: m.x),
    "list with attributes": (Rows, lambda m: m.owner),
    "deque": (lambda x: collections.deque([1, x], maxlen=2), lambda m: m[1]),
    "deque of a subclass": (owned_ring, lambda m: m.owner),
    "defaultdict": (with_default, lambda m: m["a"]),
    "OrderedDict": (lambda x: collections.OrderedDict(a=x), lambda m: m["a"]),
    "ChainMap": (lambda x: collections.ChainMap({}, {"a": x}), lambda m: m["a"]),
    "UserDict": (lambda x: collections.UserDict(a=x), lambda m: m["a"]),
    "UserList": (lambda x: collections.UserList([x]), lambda m: m[0]),
    "dict of a subclass": (lambda x: Lower(a=x), lambda m: m["a"]),
    "read-only dict": (lambda x: types.MappingProxyType({"a": x}), lambda m: m["a"]),
    "namespace": (lambda x: types.SimpleNamespace(a=x), lambda m: m.a),
    "named tuple": (lambda x: Pair(1, x), lambda m: m.right),
    "tuple of a subclass": (lambda x: Two(1, x), lambda m: m[1]),
    "400 lists": (deep, lambda m: str(m).strip("[]") and _innermost(m)),
}


def _innermost(value: object) -> object:
    while isinstance(value, list):
        value = value[0]
    return value


holders = pytest.mark.parametrize(("hold", "held"), HOLDERS.values(), ids=HOLDERS)


@holders
def test_load_puts_the_data_in_place_of_an_item(
    hold: Callable[[Any], Any], held: Callable[[Any], Any], seven: Item[int]
) -> None:
    given = hold(seven)
    found = load(given)
    assert (type(found), held(found)) == (type(given), 7)
    assert held(given) is seven, "what was given stays as it was"


@holders
def test_a_task_is_given_the_data(
    hold: Callable[[Any], Any],
    held: Callable[[Any], Any],
    seven: Item[int],
    prefectx_mode: str,
) -> None:
    @task(target=None)
    def look(holder: object) -> object:
        return held(holder)

    @task(target=None)
    def eight() -> int:
        return 8

    assert look(hold(seven)) == 7
    assert look(hold(eight.submit())) == 8


@holders
def test_what_holds_only_data_stays_the_same_object(
    hold: Callable[[Any], Any], held: Callable[[Any], Any]
) -> None:
    given = hold(object())
    assert load(given) is given


def test_a_field_that_was_never_filled_stays_unfilled(seven: Item[int]) -> None:
    found = load(Doubled(seven, 3))
    assert (found.x, found.kept) == (7, (3, 7))
    assert not hasattr(found, "later")


def test_a_list_that_is_nested_deeper_than_python_calls_is_walked(seven: Item[int]) -> None:
    value: Any = seven
    for _ in range(50_000):
        value = [value]
    assert _innermost(load(value)) == 7
    with use_mode("function"):
        assert task(_innermost)(value) == 7


class TestRefusals:
    """What cannot be built anew is refused by name: an Item never reaches the function."""

    def test_of_what_contains_itself(self, seven: Item[int]) -> None:
        loop: list[Any] = [seven]
        loop.append(loop)
        with pytest.raises(
            UnsupportedValue, match=r"Item\('in/seven'\) is in .*builtins.list.*itself"
        ):
            load(loop)

    def test_of_what_cannot_be_copied(self, seven: Item[int]) -> None:
        @dataclasses.dataclass
        class Fixed:
            x: Any

            def __copy__(self) -> Fixed:
                raise OSError("no copies")

        with pytest.raises(UnsupportedValue, match=r"Fixed, which cannot be rebuilt .*no copies"):
            load(Fixed(seven))

    def test_of_a_dict_that_keeps_something_else(self, seven: Item[int]) -> None:
        class Shown(dict[str, Any]):
            def __setitem__(self, key: str, value: object) -> None:
                super().__setitem__(key, str(value))

        with pytest.raises(UnsupportedValue, match="Shown, which cannot be rebuilt"):
            load(Shown(a=seven))

    @pytest.mark.usefixtures("tmp_target")
    def test_of_a_set_whose_data_cannot_be_in_a_set(self) -> None:
        Filestore().save("in/list", [7])
        with pytest.raises(
            UnsupportedValue, match=r"builtins.set, which .*unhashable type: 'list'"
        ):
            load({item("in/list")})
        with pytest.raises(
            UnsupportedValue, match=r"builtins.dict, which .*unhashable type: 'list'"
        ):
            load({item("in/list"): 1})

    @pytest.mark.usefixtures("prefectx_mode")
    def test_before_the_function_runs(self, seven: Item[int]) -> None:
        @task(target=None)
        def look(x: object) -> None:
            raise AssertionError

        loop: dict[str, Any] = {"a": seven}
        loop["b"] = loop
        with pytest.raises(UnsupportedValue, match="contains itself"):
            look(loop)


def test_data_that_is_equal_is_one_key_as_it_would_be_without_items(seven: Item[int]) -> None:
    assert load({seven: 1, 7: 2}) == {7: 2}
    assert load({seven, 7}) == {7}
