"""The strategies reach what they promise, and twins are told apart from what they are twins of."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pytest_prefectx.equality import identical
from pytest_prefectx.search.strategies import (
    ODD_NAMES,
    TWINS,
    hard_values,
    odd_names,
    twins_of,
    with_twins,
)

pytestmark = pytest.mark.prefectx("cache")

FIXED = settings(
    max_examples=6_000,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def drawn_from(strategy: st.SearchStrategy[object]) -> list[Any]:
    """Return 6,000 values, the same in each run."""
    values: list[Any] = []

    @FIXED
    @given(strategy)
    def draw(value: object) -> None:
        values.append(value)

    draw()
    return values


@pytest.fixture(scope="module")
def values() -> list[Any]:
    return drawn_from(hard_values())


@pytest.fixture(scope="module")
def names() -> list[str]:
    return drawn_from(odd_names())


@pytest.fixture(scope="module")
def pairs() -> list[object]:
    return drawn_from(with_twins(st.integers()))


def test_the_twins_are_these() -> None:
    expected = "0 False 0.0 -0.0 '0' 1 True 1.0 '1' '' None 'None' b'' nan 'nan' inf -inf"
    assert list(map(repr, TWINS)) == expected.split()


@pytest.mark.parametrize("twin", TWINS, ids=repr)
def test_hard_values_reach_each_twin_alone_and_in_each_container(
    values: list[Any], twin: object
) -> None:
    def is_twin(value: object) -> bool:
        return identical(value, twin)

    assert any(map(is_twin, values))
    for kinds in ((list, tuple), (dict, set, frozenset)):
        assert any(type(value) in kinds and any(map(is_twin, value)) for value in values), kinds
    dicts = [value for value in values if type(value) is dict]
    assert any(any(map(is_twin, value.values())) for value in dicts)


@pytest.mark.parametrize(
    "promise",
    [
        lambda value: type(value) is int and value.bit_length() > 1000,
        lambda value: type(value) is set and len(value) > 1,
        lambda value: type(value) is frozenset and value,
        lambda value: type(value) is list and value and type(value[0]) is dict and value[0],
        lambda value: type(value) is tuple and value and type(value[0]) is tuple,
        lambda value: type(value) is str and len(value) >= 10_000,
        lambda value: type(value) is str and "../" in value,
        lambda value: type(value) is bytes and len(value) > 1,
        lambda value: value in ([], ()),
        lambda value: value == {},
    ],
)
def test_hard_values_reach_each_other_promised_kind(values: list[object], promise: Any) -> None:
    assert any(map(promise, values))


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_odd_names_reach_each_name(names: list[str], name: str) -> None:
    assert name in names
    assert all(type(drawn) is str for drawn in names)


@pytest.mark.parametrize(
    "part",
    [
        "../",
        "/etc",
        "C:",
        "\0",
        "\n",
        "\N{SNAKE}",
        "\N{RIGHT-TO-LEFT MARK}",
        "e\u0301",
        "{os.system",
    ],
)
def test_odd_names_are_put_together(names: list[str], part: str) -> None:
    assert any(part in name for name in names if name not in ODD_NAMES)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, [False, 0.0, -0.0, "0"]),
        (1, [True, 1.0, "1", -1]),
        (0.0, [-0.0, 0, False, "0.0"]),
        (True, [1, 1.0, "True"]),
        (None, ["None", "", False]),
        ("", [None, b""]),
        ("None", [None, "nONE"]),
        ("1", [1, 1.0, b"1"]),
        ("nan", [math.nan, b"nan", "NAN"]),
        ("\u00e9", ["e\u0301", "\u00c9"]),
        ("e\u0301", ["\u00e9"]),
        ("a ", ["a"]),
        ("a", ["A", "a ", "a."]),
        (b"a", ["a", bytearray(b"a")]),
        ([], [()]),
        ((), [[]]),
        ([0], [[False], (0,), ["0"]]),
        ([[0]], [[[False]], [(0,)], ([0],)]),
        ([1, 2], [[2, 1]]),
        ((0,), [(False,), [0]]),
        ({"a": 0, "b": 1}, [{"b": 1, "a": 0}, {"a": False, "b": 1}, {"A": 0, "b": 1}]),
        ({1: "x"}, [{True: "x"}, {"1": "x"}, {1.0: "x"}]),
        ({1}, [{True}, frozenset({1}), [1], {"1"}]),
        (frozenset({0}), [frozenset({False}), {0}]),
        (2**60, [str(2**60), -(2**60)]),
    ],
)
def test_twins_of_a_value_include(value: object, expected: list[object]) -> None:
    twins = twins_of(value)
    for twin in expected:
        assert any(identical(twin, found) for found in twins), (twin, twins)


@pytest.mark.parametrize("value", [object(), range(3), math, 10**5000, [10**5000]], ids=type)
def test_a_value_of_another_kind_has_no_twins_and_long_ones_can_be_had(value: object) -> None:
    assert bool(twins_of(value)) is isinstance(value, int | list)


@given(hard_values())
def test_twins_differ_from_the_value_and_from_each_other(value: object) -> None:
    twins = twins_of(value)
    for index, twin in enumerate(twins):
        assert not identical(twin, value)
        assert not any(identical(twin, other) for other in twins[:index])


@given(hard_values())
def test_twins_leave_the_value_alone(value: object) -> None:
    before = repr(value)
    twins_of(value)
    assert repr(value) == before


@given(with_twins(hard_values()))
def test_with_twins_tags_what_is_a_twin_of_one_before_it(drawn: list[Any]) -> None:
    assert 1 <= len(drawn) <= 4
    assert not drawn[0].is_twin
    for index, (value, is_twin) in enumerate(drawn):
        if is_twin:
            before = [twin for other in drawn[:index] for twin in twins_of(other.value)]
            assert any(identical(value, twin) for twin in before)


@pytest.mark.parametrize(
    "promise",
    [
        lambda drawn: len(drawn) == 1,
        lambda drawn: len(drawn) == 4,
        lambda drawn: len(drawn) > 1 and identical(drawn[0].value, drawn[-1].value),
        lambda drawn: drawn[-1].is_twin,
        lambda drawn: len(drawn) > 2 and drawn[1].is_twin and drawn[2].value == drawn[0].value,
        lambda drawn: len(drawn) > 2 and drawn[1].is_twin and drawn[2].is_twin,
        lambda drawn: len(drawn) > 1 and not drawn[1].is_twin and drawn[0] != drawn[1],
    ],
)
def test_with_twins_reaches_repeats_twins_and_new_values(pairs: list[object], promise: Any) -> None:
    assert any(map(promise, pairs))


@given(with_twins(st.just(range(3))))
def test_values_without_twins_are_repeated_instead(drawn: list[object]) -> None:
    assert set(drawn) == {(range(3), False)}
