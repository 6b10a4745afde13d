"""`identical` and `difference`: what counts, and where the first difference is."""

from __future__ import annotations

import copy
import datetime
import enum
import functools
import io
import math
import pickle
import random
import re
import subprocess
import sys
import threading
import types
from array import array
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_prefectx.equality import Difference, difference, identical, register_identical
from pytest_prefectx.search.strategies import hard_values, with_twins

pytestmark = pytest.mark.prefectx("cache")

UTC = datetime.UTC
NAN = float("nan")
Point = namedtuple("Point", "x y")  # noqa: PYI024 - the untyped kind


@dataclass
class Row:
    name: str
    total: dict[str, object]
    note: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Slotted:
    left: Any
    right: Any = field(default=0, compare=False)


class Plain:
    def __init__(self, **attributes: object) -> None:
        vars(self).update(attributes)

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    @functools.cached_property
    def twice(self) -> int:
        return 2

    def method(self) -> None: ...


class Private:
    __slots__ = ("__hidden", "__weakref__", "never_set")

    def __init__(self, hidden: object) -> None:
        self.__hidden = hidden


class Empty:
    __slots__ = ()


class MyList(list[Any]):
    note: str = ""


class MyInt(int):
    note: str = ""


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


def noted(value: Any, note: str) -> object:
    value.note = note
    return value


def raised(*args: object, notes: tuple[str, ...] = (), **attributes: object) -> ValueError:
    error = ValueError(*args)
    vars(error).update(attributes)
    for note in notes:
        error.add_note(note)
    return error


def ring(size: int) -> list[object]:
    first: list[Any] = []
    last = first
    for _ in range(size - 1):
        last.append([])
        last = last[0]
    last.append(first)
    return first


def nested(depth: int, leaf: Any, wrap: Any) -> object:
    for _ in range(depth):
        leaf = wrap(leaf)
    return leaf


SAME = [
    *(
        0,
        True,
        2**2000,
        1.5,
        NAN,
        -0.0,
        complex(NAN, -0.0),
        "",
        "a",
        b"a",
        None,
        ...,
        NotImplemented,
    ),
    *(
        [1, NAN],
        (1, (2,)),
        Point(1, 2),
        {"a": NAN},
        {NAN: 1},
        {1, 2.0, "a", NAN},
        frozenset({(NAN,)}),
    ),
    *({frozenset({NAN, 1}), 1}, range(3), slice(1, 2), re.compile("a", re.IGNORECASE)),
    *(deque([1], 3), OrderedDict(a=1), defaultdict(list, a=[1]), Counter("aab")),
    *(bytearray(b"a"), array("d", [NAN]), types.SimpleNamespace(a=1)),
    *(Path("a/b"), Colour.RED, int, len, random.Random, Plain, "a".upper, [].append),
    *(Decimal("1.0"), Decimal("sNaN"), Decimal("-0"), Fraction(1, 3), datetime.timedelta(1)),
    *(
        datetime.datetime(2026, 1, 1, fold=1, tzinfo=UTC),
        datetime.time(1),
        datetime.date(2026, 1, 1),
    ),
    *(datetime.datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")), datetime.timezone.min),
    *(Row("a", {"x": 1}), Slotted([1]), Plain(a=1, b=[NAN]), Private([1]), Empty(), MyList([1])),
    *(
        noted(MyList([1]), "n"),
        noted(MyInt(1), "n"),
        Plain(a=1).method,
        functools.partial(int, "1"),
    ),
    *(ValueError("a", 1), raised(1, code=[2]), KeyError(NAN), FileNotFoundError(2, "no", "a")),
    *(ExceptionGroup("g", [ValueError(1)]), random.Random(1), io.BytesIO(b"a"), io.StringIO("a")),  # noqa: S311
    *(ring(1), ring(3), iter([1, 2]), Plain(deep=Plain(deeper=Slotted(deque([{1}]))))),
]


@pytest.mark.parametrize("value", SAME, ids=lambda value: type(value).__name__)
def test_a_deep_copy_and_what_comes_through_pickle_are_identical(value: object) -> None:
    for other in (value, copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert difference(value, other) is None
        assert difference(other, value) is None
    assert identical(value, copy.copy(value))


def power(exponent: int) -> object:
    return lambda base: base**exponent


DIFFERENT = [
    (1, True, "", "type int, not bool"),
    (1, 1.0, "", "type int, not float"),
    (0.0, -0.0, "", "another value"),
    (0.0, NAN, "", "another value"),
    (complex(0, 0.0), complex(0, -0.0), "", "another value"),
    (complex(-0.0, 0), complex(0.0, 0), "", "another value"),
    (complex(NAN, 1), complex(NAN, 2), "", "another value"),
    ("a", "A", "", "another value"),
    (b"a", bytearray(b"a"), "", "type bytes, not bytearray"),
    (bytearray(b"a"), bytearray(b"b"), "", "another value"),
    (None, False, "", "type NoneType, not bool"),
    ([1, 2, 3], [1, 2, 3, 4], "", "length 3, not 4"),
    ([1, [2, 3]], [1, [2, 4]], "[1][1]", "another value"),
    ([1], (1,), "", "type list, not tuple"),
    (Point(1, [2]), Point(1, [3]), ".y[0]", "another value"),
    (Point(1, 2), (1, 2), "", "type Point, not tuple"),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "", "keys in another order"),
    ({"a": 1}, {"b": 1}, "", "key 'a' only on the left"),
    ({"a": 1}, {"a": 1, "b": 1}, "", "key 'b' only on the right"),
    ({1: "x"}, {True: "x"}, "", "key 1 only on the left"),
    ({1: "x"}, {1.0: "x"}, "", "key 1 only on the left"),
    ({"x": {(1, "k"): 0}}, {"x": {(1, "k"): False}}, "['x'][(1, 'k')]", "type int, not bool"),
    ({1}, {True}, "", "element 1 only on the left"),
    ({1, 2}, {1}, "", "element 2 only on the left"),
    ({NAN}, {NAN, 1}, "", "element 1 only on the right"),
    ({(1, 2)}, {(1, 2.0)}, "", "element (1, 2) only on the left"),
    ([frozenset({1})], [frozenset({2})], "[0]", "element 1 only on the left"),
    ({1}, frozenset({1}), "", "type set, not frozenset"),
    (OrderedDict(a=1), {"a": 1}, "", "type OrderedDict, not dict"),
    (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1), "", "keys in another order"),
    (defaultdict(list), defaultdict(set), ".default_factory", "another value"),
    (Counter(a=1), Counter(a=2), "['a']", "another value"),
    (types.MappingProxyType({1: 2}), types.MappingProxyType({1: 3}), "[1]", "another value"),
    (deque([1], 3), deque([1], 4), ".maxlen", "another value"),
    (deque([1], 3), deque([1]), ".maxlen", "type int, not NoneType"),
    (deque([1, 2]), deque([1, 3]), "[1]", "another value"),
    (array("i", [1]), array("l", [1]), ".typecode", "another value"),
    (array("i", [1, 2]), array("i", [1, 3]), "[1]", "another value"),
    (memoryview(b"ab"), memoryview(b"ac"), "", "another value"),
    (memoryview(b"ab"), memoryview(array("b", b"ab")), "", "another value"),
    (range(0), range(1, 1), "", "another value"),
    (slice(1), slice(0, 1), "", "another value"),
    (re.compile("a"), re.compile("a", re.IGNORECASE), "", "another value"),
    (Decimal("1.0"), Decimal("1.00"), "", "another value"),
    (Decimal("sNaN"), Decimal("NaN"), "", "another value"),
    (Decimal(0), Decimal("-0"), "", "another value"),
    (Fraction(1, 2), Fraction(1, 3), "._denominator", "another value"),
    (Path("a"), Path("b"), "", "another value"),
    (Colour.RED, Colour.BLUE, "", "another value"),
    (int, float, "", "another value"),
    (Row, Slotted, "", "another value"),
    (ring, nested, "", "another value"),
    (math, random, "", "another value"),
    (len, repr, ".__qualname__", "another value"),
    (datetime.datetime(2026, 1, 1), datetime.datetime(2026, 1, 1, fold=1), "", "another value"),  # noqa: DTZ001
    (
        datetime.datetime(2026, 1, 1, tzinfo=UTC),
        datetime.datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")),
        "",
        "another value",
    ),
    (datetime.timezone(datetime.timedelta(0), "a"), UTC, "", "another value"),
    (Row("a", {"x": 1}), Row("a", {"x": 1}, note=1), ".note", "type NoneType, not int"),
    ([Row("a", {"x": 1})], [Row("a", {"x": 1.0})], "[0].total['x']", "type int, not float"),
    (Slotted(1), Slotted(1, 1), ".right", "another value"),
    (Plain(a=1), Plain(a=2), ".a", "another value"),
    (Plain(a=1), Plain(a=1, b=1), "", "attribute 'b' only on the right"),
    (Plain(a=1), Plain(), "", "attribute 'a' only on the left"),
    (Private(1), Private(2), "._Private__hidden", "another value"),
    (MyList([1]), MyList([2]), "[0]", "another value"),
    (noted(MyList([1]), "a"), noted(MyList([1]), "b"), ".note", "another value"),
    (noted(MyInt(1), "a"), noted(MyInt(1), "b"), ".note", "another value"),
    (MyInt(1), MyInt(2), "", "another value"),
    (Plain(a=1).method, Plain(a=2).method, ".__self__.a", "another value"),
    ([].append, [1].append, ".__self__", "length 0, not 1"),
    (functools.partial(int, "1"), functools.partial(int, "2"), "", "another value"),
    (random.Random(1), random.Random(2), "", "another value"),  # noqa: S311
    (io.BytesIO(b"a"), io.BytesIO(b"b"), "", "another value"),
    (iter([1]), iter([2]), "", "another value"),
    (ValueError("a"), ValueError("b"), ".args[0]", "another value"),
    (ValueError("a"), KeyError("a"), "", "type ValueError, not KeyError"),
    (ValueError("a"), raised("a", code=1), "", "attribute 'code' only on the right"),
    (raised(code=1), raised(code=2), ".code", "another value"),
    (FileNotFoundError(2, "a", "b"), FileNotFoundError(2, "a", "c"), ".filename", "another value"),
    (
        ExceptionGroup("g", [ValueError(1)]),
        ExceptionGroup("g", [ValueError(2)]),
        ".args[1][0].args[0]",
        "another value",
    ),
    (object(), object(), "", "another value"),
    (power(2), power(3), ".__closure__", "another value"),
    (power(2), lambda x: x, "", "another value"),
    (ring(2), [[[]]], "[0][0]", "length 1, not 0"),
    (types.SimpleNamespace(a=1), types.SimpleNamespace(a=2), ".a", "another value"),
]


def shown(value: object) -> str:
    return type(value).__name__


@pytest.mark.parametrize(("left", "right", "path", "why"), DIFFERENT, ids=shown)
def test_the_first_difference_is_named(left: object, right: object, path: str, why: str) -> None:
    found = difference(left, right)
    assert found is not None
    assert (found.path, found.why) == (path, why)
    assert not identical(left, right)
    assert (difference(right, left) or found).path == path
    if "__" not in path:  # what is in a closure is not where its path says
        assert identical(found.left, at(left, path))
        assert identical(found.right, at(right, path))


def at(value: object, path: str) -> object:
    """Return what Python finds there."""
    return eval(f"value{path}", {"value": value, "nan": NAN, "inf": math.inf})  # noqa: S307


def test_objects_of_which_nothing_can_be_seen_are_taken_for_identical() -> None:
    assert identical(threading.Lock(), threading.Lock())
    assert identical((x for x in range(0)), (x for x in range(0)))
    assert not identical(threading.Lock(), threading.RLock())


def test_functions_of_one_place_in_the_source_are_identical() -> None:
    assert identical(power(2), power(2))


def test_notes_causes_and_tracebacks_of_exceptions_do_not_count() -> None:
    def caught() -> Exception:
        try:
            raise raised("a", notes=("on its way",)) from KeyError()
        except ValueError as error:
            return error

    assert identical(caught(), ValueError("a"))


def test_what_a_cached_property_keeps_does_not_count() -> None:
    asked = Plain(a=1)
    assert asked.twice == 2
    assert identical(asked, Plain(a=1))


def test_shared_and_repeated_parts_are_the_same() -> None:
    shared = [1]
    assert identical([shared, shared], [[1], [1]])
    assert identical(ring(1), [ring(1)])


def test_parts_made_on_the_way_are_not_taken_for_one_another() -> None:
    """A new object may have the id of one that is gone: each partial is taken apart anew."""
    left = [functools.partial(int, str(n)) for n in range(500)]
    right = [functools.partial(int, str(n)) for n in range(499)]
    found = difference(left, [*right, functools.partial(int, "x")])
    assert found is not None
    assert found.path == "[499]"


def test_elements_of_sets_that_do_not_fit_are_not_remembered_as_the_same() -> None:
    def frozen(leaf: object) -> frozenset[object]:
        return frozenset({(NAN, Slotted((leaf,))), (NAN, Slotted((2,)))})

    assert identical(frozen(1), frozen(1))
    assert not identical(frozen(1), frozen(3))
    assert not identical([frozen(1), frozen(1)], [frozen(1), frozen(3)])


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: [inner],
        lambda inner: (inner,),
        lambda inner: {"a": inner},
        lambda inner: frozenset({inner}),
        Slotted,
        lambda inner: Plain(a=inner),
        lambda inner: functools.partial(int, inner),
    ],
    ids=["list", "tuple", "dict", "frozenset", "dataclass", "object", "partial"],
)
def test_data_of_any_depth_is_compared(wrap: object) -> None:
    depth = 3_000
    assert identical(nested(depth, 1, wrap), nested(depth, 1, wrap))
    assert not identical(nested(depth, 1, wrap), nested(depth, 2, wrap))


def test_the_path_into_deep_data_is_whole() -> None:
    found = difference(nested(10_000, 1, lambda x: [x]), nested(10_000, 2, lambda x: [x]))
    assert found == Difference("[0]" * 10_000, 1, 2, "another value")


def test_a_key_that_cannot_be_written_still_gives_a_path() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError

    key = Shy()
    found = difference({key: 1}, {key: 2})
    assert found is not None
    assert found.path.startswith("[<")


def test_types_of_one_name_are_told_apart() -> None:
    twins = [type("Twin", (), {"__module__": name}) for name in ("a", "b", "b")]
    a, b, c = (twin() for twin in twins)
    assert difference(a, b) == Difference("", a, b, "type a.Twin, not b.Twin")
    assert difference(b, c) == Difference("", b, c, "another type of the name b.Twin")


def test_an_equality_that_raises_is_a_difference_that_says_so() -> None:
    class Bad(threading.local):
        def __eq__(self, other: object) -> bool:
            raise ValueError("ambiguous")

        __hash__ = None  # type: ignore[assignment]

    found = difference(Bad(), Bad())
    assert found is not None
    assert found.why == "== raises ValueError: ambiguous; register_identical can say more"
    register_identical(Bad, lambda a, b: True)
    assert identical(Bad(), Bad())


def test_what_is_registered_decides_and_the_most_specific_wins() -> None:
    class Word:
        def __init__(self, text: str) -> None:
            self.text = text

    class Exact(Word):
        pass

    class Kid(Word):
        pass

    assert not identical(Word("a"), Word("A"))
    register_identical(Word, lambda a, b: a.text.lower() == b.text.lower())
    register_identical(Exact, lambda a, b: a.text == b.text)
    assert identical([Word("a")], [Word("A")])
    assert identical({"k": Kid("a")}, {"k": Kid("A")})
    assert not identical(Kid("a"), Word("a"))
    assert difference([Exact("a")], [Exact("A")]) is not None
    assert identical(Exact("a"), Exact("a"))


def test_neither_the_module_nor_plain_values_import_libraries() -> None:
    code = (
        "import sys; from pytest_prefectx.equality import identical;"
        "identical([1, {2}, Exception(3)], [1, {2}, Exception(3)]);"
        "print(sorted({'numpy', 'pandas', 'polars', 'pyarrow', 'prefect', 'hypothesis'}"
        " & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@given(hard_values())
def test_whatever_value_is_identical_to_its_copies(value: object) -> None:
    assert difference(value, copy.deepcopy(value)) is None
    assert difference(value, pickle.loads(pickle.dumps(value))) is None


@given(with_twins(hard_values()))
def test_being_identical_is_an_equivalence(drawn: list[Any]) -> None:
    values = [value for value, _ in drawn]
    for a in values:
        for b in values:
            assert identical(a, b) is identical(b, a)
            if identical(a, b):
                assert all(identical(a, c) is identical(b, c) for c in values)


WRAPS: Any = [
    (lambda inner, other: [other, inner], "[1]"),
    (lambda inner, other: (inner, other), "[0]"),
    (lambda inner, other: {"k": other, "x y": inner}, "['x y']"),
    (lambda inner, other: {(1, None): inner}, "[(1, None)]"),
    (lambda inner, other: Row("a", {"x": other}, inner), ".note"),
    (lambda inner, other: Slotted(other, inner), ".right"),
    (lambda inner, other: Point(other, inner), ".y"),
    (lambda inner, other: deque([other, inner]), "[1]"),
    (lambda inner, other: ValueError(other, inner), ".args[1]"),
]


@given(
    pair=with_twins(hard_values()).filter(lambda drawn: len(drawn) > 1 and drawn[1].is_twin),
    wraps=st.lists(st.sampled_from(WRAPS), max_size=6),
    other=hard_values(),
)
def test_one_planted_change_is_found_where_it_is(pair: Any, wraps: Any, other: Any) -> None:
    (left, _), (right, _), *_ = pair
    expected = ""
    for wrap, step in wraps:
        left, right = (wrap(value, copy.deepcopy(other)) for value in (left, right))
        expected = step + expected
    found = difference(left, right)
    assert found is not None
    assert found.path.startswith(expected)
    if "nan" not in found.path:  # no text names a key that is not equal to itself
        assert found.left is at(left, found.path)
        assert found.right is at(right, found.path)
    assert not identical(found.left, found.right)
