"""Values that look alike are different calls; equal values are one, whatever they are made of."""

from __future__ import annotations

import collections
import contextlib
import copy
import datetime
import functools
import math
import pickle
import socket
import sqlite3
import threading
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import TWINS, Adds, Slotted, adder, caused, date, is_hashable, with_default

from prefectx import flow, load, task, use_mode
from prefectx._identity.content_hash import digest
from prefectx.errors import TargetCollision, UnsupportedValue
from pytest_prefectx.equality import identical

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets
    from pytest_prefectx.fixtures import TargetsFactory

pytestmark = pytest.mark.prefectx("cache")


@task
def kept(x: object) -> str:
    return repr(x)


@task(target="w/constant")
def fixed(x: object) -> str:
    return repr(x)


@pytest.mark.parametrize("kind", TWINS)
class TestTwins:
    def test_twins_are_different_calls(self, kind: str) -> None:
        found = [digest(make()) for make in TWINS[kind]]
        alike = [n for n, each in enumerate(found) if found.index(each) != n]
        assert not alike

    def test_twins_made_again_are_the_same_calls(self, kind: str) -> None:
        for number, make in enumerate(TWINS[kind]):
            assert digest(make()) == digest(make()), number
            assert digest([make(), make()]) == digest([value := make(), value]), number

    def test_twins_count_by_their_places_among_many(self, kind: str) -> None:
        makers = TWINS[kind]
        whole = digest([make() for make in makers])
        assert digest([make() for make in makers]) == whole
        found = {whole}
        for place in range(len(makers)):
            others = [*makers[:place], makers[place - 1], *makers[place + 1 :]]
            found.add(digest([make() for make in others]))
            found.add(digest([[make()] for make in others]))
            found.add(digest([Adds(make()) for make in others]))
        assert len(found) == 1 + 3 * len(makers)

    @pytest.mark.usefixtures("tmp_target")
    def test_twins_that_share_a_target_collide(self, kind: str) -> None:
        for one, other in zip(TWINS[kind], TWINS[kind][1:], strict=False):

            @flow
            def both(one: Any = one, other: Any = other) -> None:
                fixed(one())
                fixed(other())

            fixed.item(1).store.delete("w/constant")
            with pytest.raises(TargetCollision, match="w/constant"):
                both()


class TestLibraries:
    def test_frames_differ_by_all_that_is_in_them(self) -> None:
        pd, np = pytest.importorskip("pandas"), pytest.importorskip("numpy")
        zone, other = (
            pd.Series([date(), date()], dtype=f"datetime64[ns, {z}]")
            for z in ("UTC", "Europe/Paris")
        )
        long = np.zeros(5000)
        changed = long.copy()
        changed[2500] = 1
        noted = pd.DataFrame({"a": [1]})
        noted.attrs["unit"] = "m"
        strict = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
        values = [
            *(pd.DataFrame({"a": long}), pd.DataFrame({"a": changed}), pd.DataFrame({"b": long})),
            *(pd.DataFrame({"a": [1]}), noted, strict, pd.DataFrame({"a": [1]}, index=[1])),
            *(pd.DataFrame({"a": [1]}, dtype=object), pd.DataFrame({"a": ["1"]}), pd.Series([1])),
            *(pd.Series([1], name="a"), pd.Series([1], dtype="Int64"), pd.Series([1], dtype="i4")),
            *(
                pd.Series([1, None], dtype="Int64"),
                pd.Series([None, 1], dtype="Int64"),
                zone,
                other,
            ),
            *(pd.Series(["a", "b"], dtype="category"), pd.Series(["a", None], dtype="category")),
            pd.Series(pd.Categorical(["a"], ["a", "b"])),
            pd.Series(pd.Categorical(["a"], ["b", "a"])),
            pd.Series(pd.Categorical(["a"], ["a", "b"], ordered=True)),
            *(pd.Index([0, 1]), pd.RangeIndex(2), pd.Index([0, 1], name="a"), pd.RangeIndex(3)),
            pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]),
            pd.MultiIndex.from_tuples([(1, "a"), (2, "c")]),
            pd.Series(pd.interval_range(0, 2)),
            pd.Series(pd.interval_range(0, 2, closed="left")),
            pd.Series(pd.period_range("2024", periods=2, freq="D")),
            pd.Series(pd.period_range("2024", periods=2, freq="h")),
            pd.Series([1.0, math.nan]),
            pd.Series([1.0, None], dtype="Float64"),
            pd.Series([True, None], dtype="boolean"),
            pd.arrays.SparseArray([0, 1]),
            pd.arrays.SparseArray([0, 2]),
        ]
        found = [digest(value) for value in values]
        assert [n for n, each in enumerate(found) if found.index(each) != n] == []
        for value, each in zip(values, found, strict=True):
            assert digest(pickle.loads(pickle.dumps(value))) == digest(copy.deepcopy(value)) == each

    def test_rows_of_itertuples_are_taken_for_what_they_are(self) -> None:
        pd = pytest.importorskip("pandas")
        rows = list(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}).itertuples())
        other = list(pd.DataFrame({"a": [1], "c": ["x"]}).itertuples())
        again = list(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}).itertuples())
        assert len({digest(row) for row in (*rows, *other)}) == 3
        assert list(map(digest, rows)) == list(map(digest, again))

    def test_equal_frames_are_one_whatever_their_blocks(self) -> None:
        pd, np = pytest.importorskip("pandas"), pytest.importorskip("numpy")
        frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
        parts = [
            *(pd.concat([frame[["a"]], frame[["b"]]], axis=1), frame.loc[:], frame[["a", "b"]]),
            *(pd.concat([frame[:1], frame[1:]]), frame.T.T, frame.copy()),
            pd.DataFrame(np.array([[1.0, 3.0], [2.0, 4.0]]), columns=["a", "b"]).set_index(
                frame.index
            ),
            pd.DataFrame(np.asfortranarray([[1.0, 3.0], [2.0, 4.0]]), columns=["a", "b"]),
        ]
        same = [each for each in parts if identical(each, frame)]
        assert len(same) >= 6
        assert {digest(each) for each in same} == {digest(frame)}
        assert digest(pd.concat([frame, frame])[["a"]]) == digest(pd.concat([frame[["a"]]] * 2))

    def test_missing_values_are_one_whatever_lies_below(self) -> None:
        pd, np = pytest.importorskip("pandas"), pytest.importorskip("numpy")
        mask = np.array([False, True])
        left = pd.arrays.IntegerArray(np.array([1, 7]), mask)
        right = pd.arrays.IntegerArray(np.array([1, 9]), mask)
        assert digest(left) == digest(right)
        assert digest(pd.Series(left)) != digest(pd.Series(np.array([1, 7]), dtype="Int64"))
        quiet = np.array([np.nan, 1.0])
        with np.errstate(invalid="ignore"):
            computed = np.array([np.inf, 1.0]) - np.array([np.inf, 0.0])
        assert quiet.tobytes() != computed.tobytes()
        assert digest(quiet) == digest(computed)
        assert digest([quiet[0].item()]) == digest([computed[0].item()])
        assert digest({"a": [math.nan]}) == digest({"a": [-math.nan]})

    def test_arrow_and_polars_count_by_values_not_by_chunks(self) -> None:
        pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
        columns: dict[str, list[object]] = {
            "number": [1, None, 3, 4],
            "float": [1.0, math.nan, None, -0.0],
            "text": ["a", None, "", "bcd"],
            "flag": [True, False, None, True],
            "list": [[1], None, [], [2, 3]],
            "struct": [{"x": 1}, {"x": None}, None, {"x": 2}],
            "day": [datetime.date(2024, 1, day) for day in (1, 2, 3, 4)],
        }
        whole = pa.table(columns)
        chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 2), whole.slice(3)])
        offset = pa.concat_tables([whole, whole]).combine_chunks().slice(4)
        assert digest(whole) == digest(chunked) == digest(offset)
        for name in columns:
            seen = set()
            for start in range(4):
                changed = {**columns, name: columns[name][start:] + columns[name][:start]}
                seen.add(digest(pa.table(changed, schema=whole.schema)))
            assert len(seen) == 4, name
        frame = pl.DataFrame(columns)
        rechunked = pl.concat([frame[:1], frame[1:3], frame[3:]], rechunk=False)
        assert rechunked.n_chunks() == 3
        assert digest(frame) == digest(rechunked)
        assert digest(frame) != digest(frame.reverse()) != digest(frame.rename({"day": "d"}))

    def test_arrays_differ_inside(self) -> None:
        np = pytest.importorskip("numpy")
        picture = np.zeros((100, 100, 3), "u1")
        other = picture.copy()
        other[50, 50, 1] = 1
        record = np.zeros(3, [("a", "i4"), ("b", "f8")])
        values = [
            *(picture, other, picture.astype("i1"), picture.reshape(100, 300), record, record["a"]),
            *(np.array([1 + 2j]), np.array([1 + 2j], "c8"), np.array([1.5], "longdouble")),
            *(
                np.array(["a"], dtype=object),
                np.array(["a"]),
                np.array([b"a"]),
                np.array(["a"], "U2"),
            ),
            *(
                np.array(["2024"], "M8[D]"),
                np.array(["2024"], "M8[s]"),
                np.float32(1),
                np.float64(1),
            ),
            *(np.True_, np.bool_(False), np.str_("a"), np.datetime64("2024")),
            *(np.ma.masked_array([1, 2], [0, 1]), np.ma.masked_array([1, 3], [0, 1])),
        ]
        assert len({digest(value) for value in values}) == len(values)

    @pytest.mark.parametrize("dtype", ["f8", "f4", "f2", ">f8"])
    def test_arrays_are_one_however_they_lie_and_whichever_nan_they_have(self, dtype: str) -> None:
        np = pytest.importorskip("numpy")
        usual = (np.arange(70_000) % 1000).astype(dtype)
        usual[::7] = np.nan
        other = usual.copy()
        other.view(dtype.replace("f", "u"))[[7, 69_993]] += 1
        assert usual.tobytes() != other.tobytes()
        apart = np.empty((len(usual), 2), dtype)[:, 0]
        apart[:] = other
        table = other.reshape(700, 100)
        changed = usual.copy()
        changed[69_999] += 1
        assert digest(usual) == digest(other) == digest(apart) == digest(other[::-1][::-1])
        assert digest(table) == digest(np.asfortranarray(table)) == digest(usual.reshape(700, 100))
        assert len({digest(each) for each in (usual, usual[::-1], table, table.T, changed)}) == 5

    def test_frames_are_one_whether_their_columns_lie_together_or_not(self) -> None:
        pd, np = pytest.importorskip("pandas"), pytest.importorskip("numpy")
        together = pd.DataFrame(np.random.default_rng(7).random((3000, 5)))
        rows = pd.DataFrame(np.ascontiguousarray(together.to_numpy()), copy=False)
        apart = pd.DataFrame(index=together.index)
        for name in together.columns:
            apart[name] = together[name].to_numpy().copy()
        apart.columns = together.columns
        swapped = together[[1, 0, 2, 3, 4]].set_axis(together.columns, axis=1)
        assert digest(together) == digest(rows) == digest(apart) != digest(swapped)

    def test_what_lies_below_a_null_of_arrow_does_not_count(self) -> None:
        pa = pytest.importorskip("pyarrow")
        for kind in (pa.int8(), pa.float64(), pa.string(), pa.decimal128(9)):
            whole = pa.array([1, 2, 3] if kind != pa.string() else ["a", "b", "c"], kind)
            usual = pa.array([1, None, 3] if kind != pa.string() else ["a", None, "c"], kind)
            _, *rest = whole.buffers()
            over = pa.Array.from_buffers(kind, 3, [pa.py_buffer(b"\x05"), *rest])
            chunked = pa.chunked_array([over[:1], over[1:1], over[1:]])
            assert digest(over) == digest(usual) != digest(whole), kind
            assert digest(chunked) == digest(pa.chunked_array([usual])), kind

    def test_pictures_differ_by_a_pixel(self) -> None:
        image = pytest.importorskip("PIL.Image")
        picture = image.new("RGB", (200, 200))
        other = picture.copy()
        other.putpixel((100, 100), (0, 0, 1))
        assert digest(picture) == digest(picture.copy()) != digest(other)

    def test_models_count_by_their_data(self) -> None:
        pydantic = pytest.importorskip("pydantic")

        class Model(pydantic.BaseModel):  # type: ignore[name-defined, misc]
            x: int = 1
            y: str = "a"

            @functools.cached_property
            def twice(self) -> int:
                return 2 * self.x

        filled = Model(x=1)
        assert filled.twice == 2
        assert digest(Model()) == digest(Model(x=1)) == digest(Model(y="a", x=1)) == digest(filled)
        assert digest(Model()) != digest(Model(x=2))
        made = [pydantic.create_model("Made", x=(int, default)) for default in (1, 2)]
        for one, other in (made, [each(x=1) for each in made]):
            with contextlib.suppress(UnsupportedValue):
                assert digest(one) != digest(other)

    def test_attrs_classes_count_by_their_data(self) -> None:
        attrs: Any = pytest.importorskip("attrs")

        @attrs.define
        class Config:
            x: int

        config: Any = Config
        assert digest(config(1)) == digest(config(1)) != digest(config(2))


PLAIN = st.recursive(
    st.sampled_from([0, False, 0.0, -0.0, math.nan, -math.nan, 1, True, "", "0", b"", None, ()]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.frozensets(inner.filter(is_hashable), max_size=3)
        | st.dictionaries(st.sampled_from(["a", 1, None]), inner, max_size=3)
        | inner.map(Adds)
        | inner.map(Slotted)
        | inner.map(lambda x: collections.deque([x]))
    ),
    max_leaves=4,
)


class Kept:
    def __init__(self, x: int) -> None:
        self.x = x

    @functools.cached_property
    def twice(self) -> int:
        return 2 * self.x


class TestEqual:
    @given(left=PLAIN, right=PLAIN)
    @settings(deadline=None, max_examples=500)
    def test_values_are_the_same_call_and_no_others_are(self, left: object, right: object) -> None:
        assert (digest(left) == digest(right)) == identical(left, right)

    def test_cached_properties_do_not_count(self) -> None:
        filled = Kept(1)
        assert filled.twice == 2
        assert digest(filled) == digest(Kept(1)) != digest(Kept(2))

    def test_the_order_of_attributes_does_not_count(self) -> None:
        one, other = types.SimpleNamespace(), Kept(1)
        other.__dict__ = {"y": 2, "x": 1}
        again = Kept(1)
        again.__dict__ = {"x": 1, "y": 2}
        assert digest(other) == digest(again)
        assert digest(one) == digest(types.SimpleNamespace())

    def test_paths_count_as_they_are_written(self) -> None:
        assert digest(Path("a", "b")) == digest(Path("a/b")) == digest(Path("a") / "b")

    def test_what_is_in_a_value_twice_counts_as_two(self) -> None:
        row = {"a": [1, 2], "b": "x" * 100}
        assert digest([row] * 3000) == digest([copy.deepcopy(row) for _ in range(3000)])
        assert digest([{1, "a"}] * 2) == digest([{1, "a"}, {"a", 1}])


class Point(NamedTuple):
    x: Any


class TestMany:
    """A thousand objects are hashed column by column."""

    @pytest.mark.parametrize("make", [Adds, Slotted, Point, lambda n: {n, "a"}, date])
    def test_many_differ_by_one(self, make: Callable[[object], object]) -> None:
        numbers = [n % 24 for n in range(2500)]
        found = {digest([make(n) for n in numbers])}
        for place in (0, 999, 1000, 2499):
            other = [make(n) for n in numbers]
            other[place] = make(23)
            found |= {digest(other), digest(other[:-1])}
        assert len(found) == 9
        assert digest([make(n) for n in numbers]) in found

    def test_many_that_are_made_in_other_ways_are_the_same(self) -> None:
        def objects(**names: object) -> Any:
            made = [Kept(0) for _ in range(50)]
            for each in made:
                each.__dict__ = dict(names)
            return made

        assert digest(objects(a=1, b=2)) == digest(objects(b=2, a=1))
        mixed = [*objects(a=1, b=2)[:25], *objects(b=2, a=1)[25:]]
        assert digest(mixed) == digest(objects(a=1, b=2))
        filled = Kept(1)
        assert filled.twice == 2
        assert digest([*mixed, filled]) == digest([*mixed, Kept(1)])
        assert digest([{1, 9, 17}] * 50) == digest([{17, 1, 9}, {9, 17, 1}] * 25)

    def test_many_of_one_text_each_are_not_those_of_another(self) -> None:
        """What is written of a column says where it ends."""
        values = [
            *(["ab", "c"], ["a", "bc"], [["ab"], ["c"]], [["a"], ["bc"]], [["a", "b"], ["c"]]),
            *([["a"], ["b", "c"]], [("a", "b"), ("c",)], [{"a": "b"}, {"c": "d"}]),
            *([{"a": "b", "c": "d"}, {}], [{}, {"a": "b", "c": "d"}], [[], ["a"]], [["a"], []]),
            *([Adds([]), Adds(["a"])], [Adds(["a"]), Adds([])], [Adds([]), ["a"]]),
            *([[], Adds(["a"])], [Point(1), 1], [1, Point(1)], [(1,), 1], [Point(Point(1))]),
        ]
        assert len({digest(value) for value in values}) == len(values)


class TestDeep:
    @pytest.mark.parametrize("depth", [20, 31, 400, 10_000])
    def test_values_are_no_recursion_error(self, depth: int) -> None:
        def nested(inside: object) -> object:
            for _ in range(depth):
                inside = [inside]
            return inside

        one, other = nested(1), nested(2)
        assert digest(one) == digest(nested(1)) != digest(other)

    @pytest.mark.usefixtures("tmp_target")
    def test_arguments_of_tasks_are_none_either(self) -> None:
        value: Any = 1
        for _ in range(200):
            value = {"a": [value]}

        @task
        def count(x: Any) -> int:
            return len(x)

        assert load(count(value)) == 1

    def test_loops_are_told_apart_by_where_they_lead(self) -> None:
        def graph(*edges: tuple[int, int]) -> object:
            nodes = [types.SimpleNamespace(name=n, to=[]) for n in range(4)]
            for start, end in edges:
                nodes[start].to.append(nodes[end])
            return nodes[0]

        ring = [(0, 1), (1, 2), (2, 3), (3, 0)]
        found = [digest(graph(*ring, *more)) for more in ([], [(3, 1)], [(3, 2)], [(2, 0)])]
        assert len(set(found)) == 4
        assert digest(graph(*ring)) == digest(copy.deepcopy(graph(*ring)))

    def test_of_many_objects_that_name_one_another_take_no_time(self) -> None:
        nodes = [types.SimpleNamespace(name=n) for n in range(60)]
        for node in nodes:
            node.others = nodes
            node.to = list(nodes)
        assert digest(nodes) == digest(copy.deepcopy(nodes))

    def test_what_is_shared_many_times_over_takes_no_time(self) -> None:
        value: Any = ["a" * 1000]
        for _ in range(100):
            value = [value, value]
        assert digest(value) == digest(copy.deepcopy(value))


WRAPPERS: list[Callable[[object], object]] = [
    *(lambda x: [x], lambda x: (x,), lambda x: {"a": x}, lambda x: [x, 1, x]),
    *(Point, Adds, adder, functools.partial(functools.partial, adder)),
    *(lambda x: types.SimpleNamespace(x=x), lambda x: collections.deque([x]), Slotted),
    *(lambda x: caused(KeyError(x)), lambda x: types.MappingProxyType({"a": x}), with_default),
]
IN_WRAPPERS = st.lists(st.sampled_from(WRAPPERS), max_size=3)


@st.composite
def twins(draw: st.DrawFn) -> tuple[tuple[int, int], list[object]]:
    """Draw two values of a kind, within others, and their numbers among those of the kind."""
    kind = TWINS[draw(st.sampled_from(sorted(TWINS)))]
    numbers = (draw(st.integers(0, len(kind) - 1)), draw(st.integers(0, len(kind) - 1)))
    wrappers = draw(IN_WRAPPERS)
    values: list[object] = []
    for number in numbers:
        value = kind[number]()
        for wrap in wrappers:
            value = wrap(value)
        values.append(value)
    return numbers, values


class TestNames:
    @given(twins())
    @settings(deadline=None, max_examples=300)
    def test_names_are_shared_by_the_same_values_alone(self, drawn: Any) -> None:
        numbers, (one, other) = drawn
        assert (kept.item(one).base == kept.item(other).base) == (numbers[0] == numbers[1])

    TEXTS = st.text("01.-_aA~nTrue", max_size=6) | st.sampled_from(
        ["7", "True", "None", "1.5", "nan", "con", "a.json", "a.json.json", "report-7", "_", "a-7"]
    )
    LITERALS = TEXTS | st.integers(-9, 99) | st.floats() | st.booleans() | st.none()

    @given(
        calls=st.lists(st.lists(LITERALS, min_size=1, max_size=3), min_size=2, max_size=2),
    )
    @settings(deadline=None, max_examples=1000)
    def test_names_of_literals_are_as_distinct_as_the_literals(
        self, calls: list[list[object]]
    ) -> None:
        @task
        def joined(a: object, b: object = 7, c: object = "a") -> object:
            return a, b, c

        bound = [(*call, *(7, "a")[len(call) - 1 :]) for call in calls]
        names = [joined.item(*call).base.lower() for call in calls]
        assert (names[0] == names[1]) == (repr(bound[0]) == repr(bound[1]))

    @given(drawn=twins())
    @settings(deadline=None, max_examples=150)
    def test_results_that_differ_in_function_differ_in_cache(
        self, drawn: Any, tmp_target_factory: TargetsFactory
    ) -> None:
        """What the function gives, it has from outside: it sees what no argument shows."""
        numbers, values = drawn
        seen: list[int] = []

        @task(target="w/{base}")
        def shown(x: object) -> int:
            return seen[-1]

        def run() -> list[int]:
            given: list[int] = []
            for number, value in zip(numbers, values, strict=True):
                seen.append(number)
                given.append(load(shown(value)))
            return given

        with tmp_target_factory():
            with use_mode("function"):
                plain = run()
            assert run() == plain


def test_what_has_no_value_is_the_same_call_only_as_itself(tmp_target: Targets) -> None:
    """The target names what tells calls apart; that they may be others is an error, not data."""

    @flow
    def run(*values: object) -> list[str]:
        return [fixed(value) for value in values]

    for make in (threading.Lock, object, lambda: sqlite3.connect(":memory:"), socket.socket):
        value, other = make(), make()
        tmp_target.lose()
        run(value, value)
        with pytest.raises(TargetCollision):
            run(value, other)
        for each in (value, other):
            getattr(each, "close", int)()


def test_an_argument_is_hashed_once_a_call(tmp_target: Targets) -> None:
    """For the made name, and for all else that a call's identity is asked for."""
    looks: list[None] = []

    class Large:
        def __getstate__(self) -> dict[str, str]:
            looks.append(None)
            return {"x": "x" * 10_000}

    made = Large()

    @flow
    def run() -> str:
        return kept(made)

    run()
    looks.clear()
    run()
    assert len(looks) == 1
    assert tmp_target.runs == {"kept": 1}


def test_configurations_made_in_a_loop_are_never_taken_for_one_another(tmp_target: Targets) -> None:
    class Config:
        def __init__(self, k: int) -> None:
            self.k = k

    @task(target="w/{name}.json")
    def fit(name: str, config: Config) -> int:
        return config.k

    @flow
    def loop() -> list[int]:
        return [fit("a", Config(k)) for k in range(20)]

    with pytest.raises(TargetCollision, match=r"w/a\.json"):
        loop()
    assert tmp_target.runs == {"fit": 1}


def test_tasks_of_a_factory_are_as_different_as_what_they_close_over(tmp_target: Targets) -> None:
    def make(config: Any) -> Any:
        @task(target="w/made")
        def scaled(x: int) -> int:
            return x * int(config["n"])

        return scaled

    @flow
    def both(*configs: Any) -> list[int]:
        return [make(config)(10) for config in configs]

    assert load(both({"n": 2}, {"n": 2})) == [20, 20]
    tmp_target.lose()
    with pytest.raises(TargetCollision, match="w/made"):
        both({"n": 2}, {"n": 3})
