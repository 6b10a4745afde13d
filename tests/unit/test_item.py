"""`Item` and `load`: small handles, and how they become data again."""

from __future__ import annotations

import collections
import copy
import dataclasses
import pickle
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from handles import item_of
from hypothesis import given, settings
from hypothesis import strategies as st

from prefectx import Item, flow, item, last_run, load, task, use_mode
from prefectx.errors import PrefectxError, TargetMissing, TemplateError
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


@task
def double(x: int, plus: int = 0) -> int:
    return 2 * x + plus


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = 0


@dataclasses.dataclass(frozen=True)
class Fixed:
    x: Any
    made: Any = dataclasses.field(init=False, default=None)


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    x: Any


class Pair(NamedTuple):
    left: Any
    right: Any


class TestHandle:
    def test_handle_cannot_be_changed(self, seven: Item[int]) -> None:
        for name in ("target", "store", "base", "other"):
            with pytest.raises(AttributeError, match=f"(?s)'{name}'"):
                setattr(seven, name, 1)
        with pytest.raises(AttributeError, match="'target'"):
            del seven.target

    def test_handle_is_equal_where_target_and_place_are(self, seven: Item[int]) -> None:
        assert seven == item("in/seven")
        assert hash(seven) == hash(item("in/seven"))
        assert seven != item("in/eight")
        assert seven != item("in/seven", Filestore("elsewhere"))
        assert len({seven, item("in/seven"), item("in/eight")}) == 2

    def test_handle_says_its_target(self, seven: Item[int], tmp_target: Targets) -> None:
        assert repr(seven) == "Item('in/seven')"
        assert seven.path == str(tmp_target.path / "in/seven")

    def test_handle_survives_pickling_and_copying(self, seven: Item[int]) -> None:
        for twin in (pickle.loads(pickle.dumps(seven)), copy.copy(seven), copy.deepcopy(seven)):
            assert twin == seven
            assert twin.base == "seven"
            assert twin.load() == 7

    def test_handle_can_be_referred_to_weakly(self, seven: Item[int]) -> None:
        assert weakref.ref(seven)() is seven

    def test_exists_is_loaded_and_is_deleted(self, seven: Item[int]) -> None:
        assert seven.exists()
        assert seven.load() == 7
        seven.delete()
        assert not seven.exists()
        with pytest.raises(TargetMissing, match="is not there"):
            seven.load()
        with pytest.raises(TargetMissing, match=r"cannot delete .*in/seven': it does not exist"):
            seven.delete()

    def test_handle_has_the_methods_of_a_finished_future(self, seven: Item[int]) -> None:
        seven.wait()
        seven.wait(timeout=1)
        assert (
            seven.result() == seven.result(timeout=1) == seven.result(raise_on_failure=False) == 7
        )

    @pytest.mark.parametrize(
        ("target", "base"),
        [("a/b", "b"), ("a/b.json", "b"), ("a/b.c.json", "b.c"), ("a/v1.2", "v1.2"), ("b", "b")],
    )
    def test_handle_has_its_targets_last_part_for_a_base(self, target: str, base: str) -> None:
        assert item(target).base == base
        assert item(target).has_explicit_base

    def test_handle_knows_a_made_base(self) -> None:
        assert not double.item(-1).has_explicit_base
        assert not item("a/b~0123abcd").has_explicit_base
        assert item("a/b~").has_explicit_base


class TestFeeding:
    def test_a_task_that_is_given_an_item_is_given_its_data(self, seven: Item[int]) -> None:
        assert load(double(seven)) == 14
        assert load(double(x=seven, plus=seven)) == 21  # type: ignore[call-overload]
        assert load(double.submit(seven)) == 14

    def test_feeding_in_mode_function_too(self, seven: Item[int]) -> None:
        with use_mode("function"):
            assert double(seven) == 14

    def test_feeding_deep_inside_containers_too(self, seven: Item[int]) -> None:
        @task
        def show(x: object) -> str:
            return repr(x)

        assert load(show([{"a": (seven, Point(seven))}])) == "[{'a': (7, Point(x=7, y=0))}]"

    def test_a_flow_that_is_given_an_item_keeps_it(self, seven: Item[int]) -> None:
        @flow
        def kind(x: Any) -> tuple[str, int]:
            return type(x).__name__, double(x)

        assert load(kind(seven)) == ("Item", 14)

    def test_an_item_that_is_not_there_stops_the_task(self, tmp_target: Targets) -> None:
        with pytest.raises(TargetMissing, match="in/nowhere"):
            double(item("in/nowhere"))
        assert tmp_target.runs == {}

    def test_an_item_that_is_lost_is_not_missed_where_the_output_is_there(
        self, seven: Item[int]
    ) -> None:
        assert load(double(seven)) == 14
        seven.delete()
        assert load(double(seven)) == 14


class TestOfACall:
    def test_item_of_a_call_is_known_without_running(self, tmp_target: Targets) -> None:
        found = double.item(3)
        assert not found.exists()
        assert tmp_target.runs == {}
        assert tmp_target.items() == []
        assert double(3) == found
        assert found.load() == 6

    def test_item_of_a_call_is_the_same_in_every_mode(self) -> None:
        found = double.item(3)
        for mode in ("function", "cache"):
            with use_mode(mode):
                assert double.item(3) == found

    def test_item_of_a_call_may_be_asked_with_futures_and_items(self, seven: Item[int]) -> None:
        future = double.submit(3)
        assert double.item(future) == double.item(double.item(3)) == double(future)
        assert double.item(seven) == double(seven)

    def test_item_of_a_call_needs_fitting_arguments(self) -> None:
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
            double.item()

    def test_item_of_a_call_needs_a_target(self) -> None:
        with pytest.raises(TemplateError, match="task 'double' has target=None"):
            double.with_options(target=None).item(3)

    def test_item_of_a_call_deleted_makes_the_next_call_run(self, tmp_target: Targets) -> None:
        item_of(double(3)).delete()
        double(3)
        assert tmp_target.runs == {"double": 2}


class TestLoad:
    def test_load_looks_into_containers(self, seven: Item[int]) -> None:
        given = [seven, (seven, 1), {2, seven}, {seven: seven}, frozenset({seven})]
        assert load(given) == [7, (7, 1), {2, 7}, {7: 7}, frozenset({7})]

    def test_load_looks_into_futures_and_what_they_give(self, seven: Item[int]) -> None:
        futures = double.map([1, seven])
        assert load(futures) == [2, 14]
        assert type(load(futures)) is list
        assert load({"a": futures[0]}) == {"a": 2}
        assert load(double(1, return_state=True)) == 2

    def test_load_looks_into_dataclasses(self, seven: Item[int]) -> None:
        assert load(Point(seven, [seven])) == Point(7, [7])
        assert load(Slotted(seven)) == Slotted(7)
        fixed = Fixed(1)
        object.__setattr__(fixed, "made", seven)
        assert load(fixed).made == 7
        assert fixed.made is seven, "the one that was given is left as it was"

    def test_load_keeps_the_types_of_containers(self, seven: Item[int]) -> None:
        pair = load(Pair(seven, 1))
        assert (type(pair), pair) == (Pair, Pair(7, 1))
        ordered = load(collections.OrderedDict(b=seven, a=1))
        assert (type(ordered), list(ordered.items())) == (
            collections.OrderedDict,
            [("b", 7), ("a", 1)],
        )
        given: collections.defaultdict[str, object] = collections.defaultdict(list, a=seven)
        default: Any = load(given)
        assert (default.default_factory, default["a"]) == (list, 7)

    def test_load_leaves_what_was_given_as_it_was(self, seven: Item[int]) -> None:
        given = [seven, {"a": [seven]}]
        assert load(given) == [7, {"a": [7]}]
        assert given == [seven, {"a": [seven]}]

    def test_load_of_data_is_the_same_object(self) -> None:
        data = [1, {"a": (Point([2]), {3}, Pair(4, [5]))}, object(), iter("a"), load, Point]
        assert load(data) is data

    def test_load_keeps_what_holds_no_item(self, seven: Item[int]) -> None:
        untouched = [1, [2]]
        given = [untouched, seven]
        found = load(given)
        assert found == [[1, [2]], 7]
        assert found[0] is untouched

    def test_load_of_what_contains_itself_is_the_same_object(self) -> None:
        loop: list[object] = [1]
        loop.append({"again": loop})
        point = Point(loop)
        loop.append(point)
        assert load(loop) is loop
        assert load(point) is point

    def test_load_shares_what_was_shared(self, seven: Item[int]) -> None:
        inner = [seven]
        first, second = load([inner, inner])
        assert first is second

    def test_load_looks_once_into_what_an_item_gives(self) -> None:
        """Data that a task made is data, whatever it holds."""
        Filestore().save("in/list", [1, [2]])
        assert load(item("in/list")) == [1, [2]]

    @pytest.mark.parametrize("value", ["text", b"bytes", 1, None, 2.5, range(3), iter("ab"), print])
    def test_load_does_not_look_into_anything_else(self, value: object) -> None:
        assert load(value) is value

    @given(
        value=st.recursive(
            st.integers() | st.text() | st.none(),
            lambda inner: (
                st.lists(inner)
                | st.tuples(inner, inner)
                | st.dictionaries(st.text(), inner)
                | st.builds(Point, inner, inner)
                | st.builds(Pair, inner, inner)
                | st.builds(Slotted, inner)
            ),
            max_leaves=8,
        )
    )
    @settings(deadline=None)
    def test_load_of_any_data_is_the_same_object(self, value: object) -> None:
        assert load(value) is value

    def test_load_raises_what_a_future_raised(self) -> None:
        @task
        def fail() -> None:
            raise LookupError("no data")

        with pytest.raises(LookupError, match="no data"):
            load([fail.submit()])


def test_items_of_two_stores_are_told_apart(tmp_target: Targets) -> None:
    one, other = Filestore("one"), Filestore("other")
    one.save("same", 1)
    other.save("same", 2)

    @task(target="double/{base}")
    def double(value: int) -> int:
        return 2 * value

    items = [Item[int](store, "same", base="") for store in (one, other)]
    assert [load(double(item)) for item in items] == [2, 4]
    travelled = pickle.loads(pickle.dumps(items))
    assert [double.item(item) for item in travelled] == [double.item(item) for item in items]


@pytest.mark.parametrize("options", [{"store": "folder"}, {"target": 3}, {"name": b"x"}])
def test_options_of_the_wrong_kind_are_refused_at_once(options: Any) -> None:
    with pytest.raises(PrefectxError, match=r"not ('folder'|3|b'x')"):

        @task(**options)
        def broken() -> None: ...


def test_a_hit_inside_a_task_counts_once_whatever_it_gives(tmp_target: Targets) -> None:
    @task
    def nothing(name: str) -> None:
        return None

    @task(target=None)
    def outer() -> list[object]:
        return [nothing("a"), nothing("a"), nothing("a")]

    @flow
    def twice() -> object:
        nothing("a")
        return outer()

    with use_mode("cache"):
        assert load(twice()) == [None, None, None]
    run = last_run()
    assert run is not None
    (line,) = [line for line in run.tasks if line.task == "nothing"]
    assert (line.ran, line.skipped) == (1, 3)
    assert tmp_target.runs["nothing"] == 1
