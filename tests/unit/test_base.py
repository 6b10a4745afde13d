"""`base`: where it comes from, and that it tells calls apart in every process."""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import functools
import os
import pickle
import re
import socket
import sqlite3
import struct
import threading
import weakref
from pathlib import Path, PurePosixPath
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from handles import item_of
from hypothesis import given, settings
from hypothesis import strategies as st

from prefectx import context, flow, item, load, task
from prefectx._identity.content_hash import digest
from prefectx._naming.default_base import default_base
from prefectx.errors import TargetCollision, UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("cache")


@task
def one(x: object, page: int = 1) -> object:
    return x


@task
def inc(x: int) -> int:
    return x + 1


@task
def gather(*args: object, **kwargs: object) -> object:
    return args, kwargs


@task(target="working/{funcname}/{base}", base="{x}-from-the-option")
def named(x: object) -> object:
    return x


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = 0


@dataclasses.dataclass
class OtherPoint:
    x: Any
    y: Any = 0


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x: object) -> None:
        self.x = x


class Text(str):
    __slots__ = ()


class Pair(NamedTuple):
    left: Any
    right: Any


class Parser:
    def __init__(self, language: str) -> None:
        self.language = language

    def speak(self) -> None: ...

    @task
    def parse(self, page: int) -> str:
        return f"{self.language} {page}"

    @classmethod
    @task
    def kind(cls, page: int) -> str:
        return f"{cls.__name__} {page}"

    @staticmethod
    @task
    def half(page: int) -> float:
        return page / 2


class OtherParser(Parser):
    pass


def helper(*args: object) -> None: ...


def closes_over(x: object) -> object:
    return lambda: x


def base_of(*args: object, **kwargs: object) -> str:
    return one.item(*args, **kwargs).base


class TestSource:
    def test_source_is_the_contexts_before_the_options_before_the_arguments(self) -> None:
        assert named.item(1).base == "1-from-the-option"
        assert base_of(1) == "1"
        with context(base="report-7"):
            assert named.item(1).base == "report-7"
            assert base_of(1) == "report-7"

    def test_source_may_name_what_targets_may_name(self) -> None:
        decorated = one.with_options(base="{funcname}-{os.path.basename(x)}-{day}")
        with context(day="monday"):
            assert decorated.item("in/a.pdf").base == "one-a.pdf-monday"

    def test_source_with_starred_arguments_is_rendered_with_them(self) -> None:
        decorated = gather.with_options(base="{len(args)}-{kwargs['z']}")
        assert decorated.item(5, 6, z=1).base == "2-1"


class TestReadable:
    @pytest.mark.parametrize(
        ("value", "start"),
        [
            ("in/2024/a.pdf", "a.pdf~"),
            ("in/a.json", "a~"),
            ("a.parquet", "a~"),
            (Path("in/a.pdf"), "a.pdf~"),
            (Path("in/a.pkl.gz"), "a~"),
            (-3, "3~"),
            (float("-inf"), "inf~"),
            (datetime.date(2024, 2, 29), "2024-02-29~"),
            ([1, 2], "1-2~"),
            ((1, "a"), "1-a~"),
            (list(range(100)), "list100~"),
            ({"a": 1}, "dict1~"),
            (b"abc", "bytes3~"),
            (2**300, "int301~"),
            (2**20_000, "int20001~"),
            (Colour.RED, "RED~"),
            (Colour, "EnumType2~"),
            (int, "type~"),
            (Point(1), "Point~"),
            ("grüße, welt", "gr_e,_welt~"),
            ("a b/c d", "c_d~"),
            (".hidden", "hidden~"),
            ("--flag", "flag~"),
            ("", "_~"),
            ("/", "_~"),
        ],
        ids=lambda value: value if isinstance(value, str) else type(value).__name__,
    )
    def test_base_says_what_the_argument_is(self, value: object, start: str) -> None:
        assert base_of(value).startswith(start)

    @pytest.mark.parametrize("value", [3, "a.pdf", "a_b,c+d=e@f", None, True, 0.5, 10**17])
    def test_base_is_the_argument_itself_where_nothing_else_could_be_called_so(
        self, value: object
    ) -> None:
        assert base_of(value) == str(value)

    @pytest.mark.parametrize(
        "text",
        [
            *("7", "-7", "1.5", "1e5", "nan", "inf", "1_000", "True", "true", "None", "FALSE"),
            *("Berlin", "con", "nul.txt", "a.", "_", "", ".a", "-a", "a~b", "a b", "ä", "a/b"),
            *("a.json", "a.pkl.gz", "report-7", "x" * 70),
        ],
    )
    def test_base_of_a_text_that_another_value_could_give_has_a_hash(self, text: str) -> None:
        assert re.fullmatch(r"[^~]+~([0-9a-f]{8}){1,2}", base_of(text))

    def test_base_of_a_text_with_dashes_depends_on_how_many_arguments_it_could_be(self) -> None:
        alone = task(lambda path: path)
        assert alone.item("report-7").base == "report-7"
        assert base_of("report", 7) == "report-7"
        assert base_of("report-7").startswith("report-7~")
        assert base_of("report-7", 8).startswith("report-7-8~")
        assert base_of("2024-01-31") == "2024-01-31"

    def test_base_joins_arguments_and_leaves_out_defaults(self) -> None:
        assert base_of("a.pdf", 3) == "a.pdf-3"
        assert base_of("a.pdf", 1) == "a.pdf"
        assert gather.item().base == "_"

    def test_base_has_a_hash_where_it_does_not_say_which_argument_it_is(self) -> None:
        pair = task(lambda left=1, right=1: (left, right))
        assert pair.item(2).base == "2"
        assert re.fullmatch(r"2~[0-9a-f]{8}", pair.item(1, 2).base)

    def test_base_leaves_out_what_is_identical_to_the_default_though_another_object(self) -> None:
        whole = task(lambda x=(1, [2.5]), y=0.5, z=b"abc": x)
        given = whole.item((1, [float("2.5")]), float("0.5"), bytes([97, 98, 99]))
        assert given.base == whole.item().base == "_"
        assert len({whole.item(y=y).base for y in (0.5, 0.0, -0.0, 0, False)}) == 5

    def test_base_without_arguments_is_an_underscore(self) -> None:
        @task
        def nothing() -> None: ...

        assert nothing.item().base == "_"

    def test_base_is_a_hash_of_sixteen_digits_where_the_text_does_not_say_all(self) -> None:
        assert re.fullmatch(r"a.pdf-3~[0-9a-f]{16}", base_of("in/a.pdf", 3))

    def test_owners_of_methods_are_not_in_the_text(self) -> None:
        assert Parser("de").parse.item(3).base.startswith("3~")

    @given(args=st.lists(st.text() | st.binary() | st.floats() | st.integers(), max_size=5))
    @settings(deadline=None)
    def test_base_is_short_and_a_plain_files_name(self, args: list[object]) -> None:
        base = gather.item(*args).base
        assert len(base) <= 80
        assert re.fullmatch(r"[\w.,+=@~-]+", base, re.ASCII)
        assert not base.startswith((".", "-"))

    @given(texts=st.lists(st.text(max_size=10), min_size=2, max_size=2, unique=True))
    @settings(deadline=None)
    def test_base_tells_long_texts_apart_that_begin_and_end_alike(self, texts: list[str]) -> None:
        left, right = (base_of("a" * 100 + text + "b" * 100) for text in texts)
        assert left != right
        assert max(len(left), len(right)) <= 80


TWINS: tuple[object, ...] = (
    *(0, False, 0.0, -0.0, "0", "", b"", b"0", None, "None", 0j, (), [], {}, set(), frozenset()),
    *(1, True, 1.0, "1", (1,), [1], {1}, {1: 1}, {"1": 1}, {1: "1"}, [[1]], ([1],), [(1,)]),
    *((1, 2), (12,), ("1", "2"), ("12",), ("1,2",), ["a", "bc"], ["ab", "c"], ["abc"], "abc"),
    *(float("nan"), "nan", float("inf"), -float("inf"), 10**20, 1e20, 2**300, 2**300 + 1),
    *(bytearray(b"0"), range(3), [0, 1, 2], {"a": 1, "b": 2}, {"a": 2, "b": 1}, Text("0")),
    *(Point(1), Point(1.0), Point(1, 1), OtherPoint(1), Pair(1, 2), Pair(2, 1), Slotted(1)),
    *(Slotted(2), Colour.RED, Colour.BLUE, Path("a"), PurePosixPath("a"), Path("b"), "a"),
    *(datetime.date(2024, 1, 1), datetime.datetime(2024, 1, 1), "2024-01-01"),  # noqa: DTZ001
    *(datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC), datetime.timedelta(1)),
    *(decimal.Decimal("1.0"), decimal.Decimal("1.00"), SimpleNamespace(a=1), SimpleNamespace(a=2)),
    *(collections.OrderedDict(a=1), collections.Counter("a"), collections.deque([1])),
    *(collections.defaultdict(list), collections.defaultdict(dict), Point, OtherPoint, int, bool),
    *(len, max, helper, Point(Point(1)), Point([1]), "\ud800", ValueError("a"), KeyError("a")),
    *(functools.partial(helper, 1), functools.partial(helper, 2), [].append, [1].append, {}.get),
    *(Parser("de").speak, Parser("fr").speak, Ellipsis, NotImplemented, re.compile("a")),
)


class TestDistinct:
    def test_twins_have_different_bases(self) -> None:
        bases = collections.defaultdict(list)
        for value in TWINS:
            bases[base_of(value)].append(value)
        assert [values for values in bases.values() if len(values) > 1] == []

    @pytest.mark.parametrize("value", TWINS, ids=lambda value: f"{type(value).__name__}")
    def test_pickled_and_copied_values_have_the_same_base(self, value: object) -> None:
        assert base_of(pickle.loads(pickle.dumps(value))) == base_of(value)
        assert base_of(copy.deepcopy(value)) == base_of(value)

    def test_where_an_element_stands_matters(self) -> None:
        assert base_of(1, 2) != base_of(2, 1)
        assert gather.item(1, 2).base != gather.item((1, 2)).base
        assert gather.item(a=1).base != gather.item(b=1).base
        assert gather.item(()).base != gather.item().base != gather.item({}).base

    def test_sharing_does_not_matter_but_loops_do(self) -> None:
        shared: list[object] = [1]
        assert base_of([shared, shared]) == base_of([[1], [1]])
        loop: list[Any] = []
        loop.append(loop)
        longer: list[Any] = [[]]
        longer[0].append(longer)
        assert base_of(loop) == base_of(copy.deepcopy(loop))
        assert len({base_of(loop), base_of(longer), base_of([[]])}) == 3

    def test_the_same_nan_or_another_is_the_same(self) -> None:
        assert base_of(float("nan")) == base_of(-float("nan")) == base_of([float("nan")][0])

    def test_several_nans_as_keys_are_as_many(self) -> None:
        odd = struct.unpack(">d", b"\x7f\xf8\x00\x00\x00\x00\x00\x01")[0]
        assert base_of([{float("nan"): 1, odd: 2}]) != base_of([{float("nan"): 3, odd: 2}])

    def test_modules_differ(self) -> None:
        assert base_of(os) != base_of(re)

    def test_one_name_is_not_taken_for_another_functions(self) -> None:
        def first(x: int) -> int:
            return x

        first.__qualname__ = helper.__qualname__
        first.__module__ = helper.__module__
        assert base_of(first) != base_of(helper)


class TestOneEntry:
    def test_one_entry_for_an_argument_by_place_or_by_name(self) -> None:
        assert base_of(1) == base_of(x=1)
        assert base_of(1, 2) == base_of(1, page=2) == base_of(page=2, x=1)

    def test_one_entry_for_a_default_that_is_given_or_not(self) -> None:
        assert base_of(1) == base_of(1, 1) == base_of(1, page=1)
        assert base_of(1, page=True) != base_of(1)

    def test_call_runs_once_however_it_is_spelt(self, tmp_target: Targets) -> None:
        for found in (one(1), one(x=1), one(1, 1), one(page=1, x=1)):
            assert load(found) == 1
        assert tmp_target.runs == {"one": 1}


ONES = st.sampled_from([0, False, 0.0, -0.0, 1, True, 1.0, "", "0", "1", b"", b"1", None])
VALUES = st.recursive(
    ONES | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


class TestDigest:
    @given(left=VALUES, right=VALUES)
    @settings(deadline=None, max_examples=300)
    def test_digest_differs_where_types_or_values_differ(self, left: object, right: object) -> None:
        # Of these types, repr says all.
        assert (digest(left) == digest(right)) == (repr(left) == repr(right))

    @given(left=st.lists(ONES, max_size=2), right=st.lists(ONES, max_size=2))
    @settings(deadline=None, max_examples=500)
    def test_digest_differs_for_twins_within_lists(self, left: object, right: object) -> None:
        assert (digest(left) == digest(right)) == (repr(left) == repr(right))

    @given(value=VALUES)
    @settings(deadline=None)
    def test_digest_is_equal_for_copies(self, value: object) -> None:
        assert digest(copy.deepcopy(value)) == digest(value)
        assert digest(pickle.loads(pickle.dumps(value))) == digest(value)

    @given(values=st.sets(st.text(max_size=3) | st.integers(), max_size=8), data=st.data())
    @settings(deadline=None)
    def test_digest_of_a_set_does_not_depend_on_its_order(self, values: Any, data: Any) -> None:
        shuffled = set(data.draw(st.permutations(sorted(values, key=str))))
        assert digest(shuffled) == digest(values)
        assert digest(frozenset(values)) != digest(values)

    @given(left=VALUES, right=VALUES)
    @settings(deadline=None)
    def test_digest_and_bases_agree(self, left: object, right: object) -> None:
        same = default_base({"x": left}, {}, owner="") == default_base({"x": right}, {}, owner="")
        assert same == (digest(left) == digest(right))


def test_bases_are_the_same_in_every_process(python: Callable[..., str]) -> None:
    code = """
        import collections, datetime, pathlib
        from prefectx import task
        @task
        def one(x): ...
        words = "the quick brown fox jumps over the lazy dog".split()
        for x in [set(words), frozenset(words), {"k": set(words)}, "a", 1.5, pathlib.Path("a/b"),
                  datetime.datetime(2024, 1, 1), collections.Counter(words), [set(words), {1, 2}]]:
            print(one.item(x).target)
    """
    first, second = (python(code, PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert first == second
    assert len(set(first.splitlines())) == 9


class TestArrays:
    @pytest.fixture(autouse=True)
    def needs_numpy(self) -> None:
        pytest.importorskip("numpy")

    def test_arrays_differ_by_type_shape_and_content(self) -> None:
        import numpy as np

        numbers = np.arange(6)
        arrays = [
            numbers,
            numbers.astype("int32"),
            numbers.astype(">i8"),
            numbers.astype(float),
            numbers.reshape(2, 3),
            numbers.reshape(3, 2),
            numbers[::-1],
            numbers == 0,
            np.array([0, 1, 2, 3, 4, 6]),
            np.array([-0.0]),
            np.array([0.0]),
            np.array([np.nan]),
            np.array(0),
            np.int64(0),
            np.float64(0),
            0,
            np.array([], dtype=int),
            np.array([], dtype=float),
            np.array(["a", 1], dtype=object),
            np.array(["a", "1"]),
            np.ma.masked_array([1, 2], [True, False]),
            np.ma.masked_array([1, 2], [False, True]),
        ]
        assert len({base_of(array) for array in arrays}) == len(arrays)

    def test_arrays_that_are_equal_are_equal_however_they_lie_in_memory(self) -> None:
        import numpy as np

        numbers = np.arange(24).reshape(4, 6)
        for view in (numbers[::2], numbers[:, ::3], numbers.T, numbers[::-1], numbers[1:, 1:]):
            assert base_of(view) == base_of(np.ascontiguousarray(view))
            assert base_of(view) == base_of(copy.deepcopy(view))
            assert base_of(view) == base_of(pickle.loads(pickle.dumps(view)))
            assert base_of(view) != base_of(np.ascontiguousarray(view) + 1)
        objects = np.array([["a", 1], [None, 2]], dtype=object)
        assert base_of(objects.T) == base_of(objects.T.copy())

    def test_arrays_in_the_text_are_their_shapes(self) -> None:
        import numpy as np

        assert base_of(np.zeros((2, 3))).startswith("ndarray2x3~")

    def test_frames_differ_by_columns_types_and_content(self) -> None:
        pd = pytest.importorskip("pandas")
        frames = [
            pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
            pd.DataFrame({"a": [1, 3], "b": ["x", None]}),
            pd.DataFrame({"a": [1, 2], "c": ["x", None]}),
            pd.DataFrame({"b": ["x", None], "a": [1, 2]}),
            pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]}),
            pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=[1, 0]),
            pd.DataFrame(),
            pd.Series([1, 2]),
            pd.Series([1, 2], name="a"),
        ]
        assert len({base_of(frame) for frame in frames}) == len(frames)
        for frame in frames:
            assert base_of(pickle.loads(pickle.dumps(frame))) == base_of(frame)
            assert base_of(frame.copy(deep=True)) == base_of(frame)


class TestOwners:
    @pytest.mark.usefixtures("tmp_target")
    def test_owners_of_methods_count(self) -> None:
        german, french = Parser("de"), Parser("fr")
        assert german.parse.item(1).base == Parser("de").parse.item(1).base
        assert german.parse.item(1).base != french.parse.item(1).base
        assert load([german.parse(1), french.parse(1)]) == ["de 1", "fr 1"]

    @pytest.mark.usefixtures("tmp_target")
    def test_owners_of_class_methods_count(self) -> None:
        assert Parser.kind.item(1).base == Parser("de").kind.item(1).base
        kinds: list[Any] = [Parser, OtherParser]
        assert load([kind.kind(1) for kind in kinds]) == ["Parser 1", "OtherParser 1"]

    def test_owners_of_static_methods_do_not(self) -> None:
        assert Parser.half.item(1).base == OtherParser("de").half.item(1).base


def test_same_named_functions_of_two_modules_never_share_silently(tmp_target: Targets) -> None:
    """Their target is the same, and the plain template cannot know: so it is an error."""
    left: dict[str, Any] = {"__name__": "left"}
    right: dict[str, Any] = {"__name__": "right"}
    exec("def clean(x): return 'left'", left)  # noqa: S102 - code of our own making
    exec("def clean(x): return 'right'", right)  # noqa: S102 - code of our own making

    @flow
    def both() -> object:
        return task(left["clean"])(1), task(right["clean"])(1)

    with pytest.raises(TargetCollision, match=r"left\.clean\(x=1\) and right\.clean\(x=1\)"):
        both()


class TestItems:
    def test_items_pass_on_a_name_given_by_a_person(self) -> None:
        assert base_of(item("working/fetch/report-7")) == "report-7"
        assert base_of(item("working/fetch/report-7.json")) == "report-7"
        assert base_of(item("working/fetch/report-7.html")) == "report-7.html"
        assert base_of(item("working/fetch/report-7.2")) == "report-7.2"
        with context(base="report-8"):
            fetched = gather.item(1)
        assert base_of(fetched) == "report-8"

    def test_items_pass_on_a_name_made_from_a_text(self) -> None:
        assert base_of(gather.with_options(base="{args[0]}").item("a.html")) == "a.html"
        assert base_of(base_of_item := task(lambda path: path).item("report-7")) == "report-7"
        assert base_of_item.has_explicit_base

    def test_items_pass_on_nothing_to_the_task_that_made_them(self) -> None:
        assert base_of(one.item("a")).startswith("a~")

    def test_items_pass_on_no_name_that_could_be_a_number(self) -> None:
        assert re.fullmatch(r"1~[0-9a-f]{16}", base_of(gather.with_options(base="1").item()))

    def test_items_pass_on_nothing_beside_other_arguments(self) -> None:
        fed = item("working/fetch/report-7")
        assert base_of(fed, 2).startswith("report-7-2~")
        empty: list[object] = [(), {}, []]
        assert len({gather.item(fed, value).base for value in empty}) == 3
        assert len({gather.item(*args).base for args in [(fed, fed), (fed,), ([fed],)]}) == 3

    def test_items_beside_an_empty_argument_pass_on_nothing_either(self) -> None:
        @task
        def pair(left: object, right: object) -> object:
            return left, right

        fed = item("working/fetch/report-7")
        empty: list[object] = [(), {}, [], None]
        assert len({pair.item(fed, value).base for value in empty}) == 4

    def test_items_beside_defaults_pass_on_their_names(self) -> None:
        fed = item("working/fetch/report-7")
        assert base_of(fed, 1) == base_of(fed, page=1) == "report-7"
        assert base_of(fed, True).startswith("report-7-True~")

    def test_items_pass_on_nothing_where_it_would_not_say_which_argument_they_are(self) -> None:
        @task
        def either(left: object = None, right: object = None) -> object:
            return left, right

        fed = item("working/fetch/report-7")
        bases = {
            either.item(left=fed).base,
            either.item(right=fed).base,
            either.item(fed, fed).base,
        }
        assert len(bases) == 3

    @pytest.mark.usefixtures("tmp_target")
    def test_items_with_made_names_get_a_name_made_anew(self) -> None:
        once, twice = item_of(inc(1)), item_of(inc(inc(1)))
        assert once.base == "1"
        assert twice.base.startswith("1~")
        assert once.base != twice.base
        assert load([once, twice]) == [2, 3]

    def test_items_whose_target_does_not_name_base_have_no_name_to_pass_on(self) -> None:
        constant = one.with_options(target="out/{x}/result")
        assert constant.item("a").base == ""
        first, second = base_of(constant.item("a")), base_of(constant.item("b"))
        assert first.startswith("result~")
        assert first != second

    @pytest.mark.usefixtures("tmp_target")
    def test_items_count_by_their_targets_whatever_is_there(self) -> None:
        fed = item("in/a")
        before = base_of([fed])
        fed.store.save("in/a", 1)
        assert base_of([fed]) == before != base_of([item("in/b")])


class TestUnsupported:
    @pytest.mark.parametrize(
        "make",
        [
            threading.Lock,
            lambda: (n for n in [1]),
            lambda: iter([1]),
            lambda: zip([1], [2], strict=True),
            object,
            socket.socket,
            lambda: sqlite3.connect(":memory:"),
            threading.local,
            lambda: weakref.ref(Point),
            lambda: ModuleType("unknown"),
            lambda: functools.partial(helper, threading.Lock()),
            lambda: [{"a": threading.Lock()}],
            lambda: Point(threading.Lock()),
            lambda: closes_over(threading.Lock()),
        ],
        ids=lambda make: getattr(make, "__name__", None),
    )
    def test_values_are_refused_by_the_arguments_name(self, make: Any) -> None:
        value = make()
        with pytest.raises(UnsupportedValue, match=r"the argument 'page' .* target=None"):
            one.item(1, page=value)
        getattr(value, "close", int)()

    def test_an_open_file_is_refused(self, tmp_path: Path) -> None:
        with (tmp_path / "a").open("w") as file, pytest.raises(UnsupportedValue, match="'x'"):
            one.item(file)

    def test_starred_arguments_are_named_too(self) -> None:
        with pytest.raises(UnsupportedValue, match="the argument 'kwargs'"):
            gather.item(1, key=threading.Lock())

    @pytest.mark.usefixtures("tmp_target")
    def test_a_task_whose_target_names_what_tells_calls_apart_takes_them(self) -> None:
        decorated = one.with_options(target="out/{page}")
        assert decorated.item(lambda: None, 2).target == "out/2"
        with context(base="report-7"):
            assert base_of(lambda: None) == "report-7"

    def test_an_unsupported_value_is_a_type_error_too(self) -> None:
        assert issubclass(UnsupportedValue, TypeError)
