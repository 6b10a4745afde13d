"""The values that `check_flow` tries: of the strategies, and those that a target forgets."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from prefectx import flow, load, task
from pytest_prefectx import ModesDisagree, check_flow
from pytest_prefectx.search.membership import may_give

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

# One seed each run: a failure here is a failure tomorrow.
FEW = settings(max_examples=25, database=None, derandomize=True)


@task(target="out/{x:.2f}")
def root(x: float) -> float:
    return float(x**0.5)


@task(target="out/{text[:8]}x")
def words(text: str) -> list[str]:
    return [text[:4], text[4:]]


@task(target="out/{path.stem}")
def parts(path: Path) -> list[str]:
    return list(path.parts)


@task(target="out/{day:%Y-%m}")
def weekday(day: datetime.date) -> int:
    return day.weekday()


@task(target="out/{moment:%Y-%m-%d}")
def hour(moment: datetime.datetime) -> int:
    return moment.hour


@task(target="out/{frame.shape[0]}-{list(frame.columns)[0]}")
def total(frame: pd.DataFrame) -> float:
    return float(frame["x"].sum())


@dataclass(frozen=True)
class Station:
    name: str
    height: float


@task(target="out/{station.name}")
def label(station: Station) -> str:
    return f"{station.name} {station.height}"


@task(target="out/{sorted(sizes)}")
def steps(sizes: list[int]) -> list[int]:
    return [b - a for a, b in pairwise(sizes)]


FORGETFUL: list[tuple[Any, SearchStrategy[Any]]] = [
    (root, st.floats(0, 10)),
    (words, st.text("ab", max_size=20)),
    (parts, st.sampled_from([Path("a/x.csv"), Path("b/x.csv"), Path("c.csv")])),
    (weekday, st.dates()),
    (hour, st.datetimes()),
    (total, st.lists(st.integers(0, 5), min_size=1).map(lambda x: pd.DataFrame({"x": x}))),
    (label, st.builds(Station, st.sampled_from(["north", "south"]), st.floats(0, 1))),
    (steps, st.lists(st.integers(), max_size=4)),
]


@pytest.mark.parametrize(
    ("forgetful", "strategy"), FORGETFUL, ids=[str(each[0].name) for each in FORGETFUL]
)
def test_check_flow_finds_what_a_target_forgets(forgetful: Any, strategy: Any) -> None:
    with pytest.raises(ModesDisagree) as caught:
        check_flow(forgetful, strategy, settings=FEW)
    assert caught.value.reason is not None
    assert caught.value.reason.kind == "shared-target"


@flow
def only_text_keys(table: dict[str, int]) -> int:
    return sum(len(key.strip()) for key in table)


@task
def joined(names: list[str]) -> str:
    return ",".join(name.upper() for name in names)


@flow
def logarithm_of_at_least_one(x: float) -> float:
    if not 1 <= x <= 10:
        raise LookupError(x)
    return root(round(x, 2))


@flow
def power(pair: tuple[int, int]) -> int:
    assert type(pair[0]) is int
    return int(pow(*pair))


@flow
def member(name: str) -> int:
    return {"north": 1, "south": 2}[name]


CAREFUL: list[tuple[Any, SearchStrategy[Any]]] = [
    (only_text_keys, st.dictionaries(st.text(), st.integers())),
    (joined, st.lists(st.text())),
    (logarithm_of_at_least_one, st.floats(1, 10)),
    (power, st.tuples(st.integers(0, 9), st.integers(0, 9))),
    (member, st.sampled_from(["north", "south"])),
]


@pytest.mark.parametrize(
    ("careful", "strategy"), CAREFUL, ids=[str(each[0].name) for each in CAREFUL]
)
def test_check_flow_tries_only_what_its_strategies_can_give(careful: Any, strategy: Any) -> None:
    check_flow(careful, strategy, settings=FEW)


GIVEN: list[tuple[SearchStrategy[object], list[object], list[object]]] = [
    (st.floats(1, 10), [1.0, 9.5], [-1.0, 0.5, 1, True]),
    (st.floats(0, 10), [0.0], [-0.0]),
    (st.integers(0), [0, 5], [-1, 0.0, False, "0"]),
    (st.text("ab", max_size=2), ["", "ab"], ["c", "aba", b"a"]),
    (st.lists(st.text(), max_size=1), [[], ["x"]], [[b"0"], ["a", "b"], ("a",)]),
    (st.dictionaries(st.text(), st.integers()), [{}, {"a": 1}], [{b"0": 0}, {None: -1}]),
    (st.fixed_dictionaries({"a": st.none()}), [{"a": None}], [{}, {"a": 1}, {"b": None}]),
    (st.sets(st.integers()), [{1}], [[1], {1.5}, frozenset({1})]),
    (st.none() | st.booleans(), [None, True], [0, "None"]),
    (st.integers().filter(lambda x: x % 2 == 0), [2], [3]),
    (st.integers().map(str), [], ["3", 3]),
    (st.lists(st.integers(), unique=True), [[1, 2]], [[1, 1]]),
    (st.dates(min_value=datetime.date(2026, 1, 1)), [datetime.date(2026, 1, 1)], [None]),
    (st.sampled_from(["a", 1]), ["a", 1], ["b", True]),
]


@pytest.mark.parametrize(("strategy", "inside", "outside"), GIVEN, ids=str)
def test_a_strategy_gives_some_values_and_not_others(
    strategy: Any, inside: list[object], outside: list[object]
) -> None:
    assert [value for value in inside if not may_give(strategy, value)] == []
    assert [value for value in outside if may_give(strategy, value)] == []


def test_each_loss_leaves_the_current_folder_as_it_was(tmp_target: object) -> None:
    before = os.getcwd()
    check_flow(joined, st.lists(st.text(), max_size=2), settings=settings(FEW, max_examples=3))
    assert os.getcwd() == before
    assert load(joined(["a"])) == "A"
