"""Items that a flow's body uses as data: an error that says so, never another result."""

from __future__ import annotations

import collections.abc
import contextlib
import copy
import inspect
import json
import math
import pickle
import pprint
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from prefectx import Item, flow, item, load, task, use_mode
from prefectx.errors import NotLoaded, PrefectxError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import TargetStore

# What a flow's body may do with a list, a number, a text, a table, a function that a task gave.
USES: dict[str, Callable[[Any], Any]] = {
    "if x": lambda x: 1 if x else 2,
    "not x": lambda x: not x,
    "x or": lambda x: x or [],
    "len(x)": len,
    "x == list": lambda x: x == [1],
    "list == x": lambda x: [1] == x,  # noqa: SIM300 - the other way round
    "x == None": lambda x: x == None,  # noqa: E711 - as many write it
    "x != number": lambda x: x != 1,
    "x in list": lambda x: x in [1, 2],
    "list.index(x)": [1, 2].index,
    "1 in x": lambda x: 1 in x,
    "x[0]": lambda x: x[0],
    "x['a'] = 1": lambda x: x.__setitem__("a", 1),
    "list[x]": lambda x: [1, 2][x],
    "for": lambda x: [each for each in x],  # noqa: C416 - a loop
    "list(x)": list,
    "dict(x)": dict,
    "zip": lambda x: list(zip(x, x, strict=True)),
    "*x": lambda x: [*x],
    "reversed": reversed,
    "x.column": lambda x: x.column,
    "x.head()": lambda x: x.head(),
    "x.strip()": lambda x: x.strip(),
    "x + 1": lambda x: x + 1,
    "1 + x": lambda x: 1 + x,
    "text + x": lambda x: "a" + x,
    "x ** 2": lambda x: x**2,
    "x @ x": lambda x: x @ x,
    "divmod": lambda x: divmod(7, x),
    "-x": lambda x: -x,
    "abs(x)": abs,
    "round(x)": round,
    "sum": lambda x: sum([x, x]),
    "max": lambda x: max(x, 3),
    "x < y": lambda x: x < x,  # noqa: PLR0124
    "sorted": lambda x: sorted([x, x]),
    "int(x)": int,
    "float(x)": float,
    "complex(x)": complex,
    "bytes(x)": bytes,
    "range(x)": range,
    "math.sqrt": math.sqrt,
    "math.floor": math.floor,
    "format with a spec": lambda x: f"{x:.2f}",
    "str.format with a spec": "{:>8}".format,
    "json.dumps": json.dumps,
    "json.dumps of a list": lambda x: json.dumps({"a": [x]}, indent=1),
    "open": open,
    "with": contextlib.ExitStack().enter_context,
    "numpy.asarray": np.asarray,
    "numpy.mean": np.mean,
    "numpy.array of Items": lambda x: np.array([x, x]),
    "numpy scalar + x": lambda x: np.float64(1) + x,
    "array == x": lambda x: np.arange(3) == x,
    "pandas.Series": pd.Series,
    "pandas.DataFrame": pd.DataFrame,
    "series + x": lambda x: pd.Series([1]) + x,
    "pyarrow.array": pa.array,
}


@pytest.fixture
def numbers() -> Item[Any]:
    """An Item whose data nobody needs."""
    return item("in/numbers")


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_is_meant_for_data_is_refused_by_name(
    use: Callable[[Any], Any], numbers: Item[Any]
) -> None:
    with pytest.raises(NotLoaded, match=r"Item\('in/numbers'\) is an Item: use load\("):
        use(numbers)


def test_the_error_is_one_of_ours_and_a_type_error(numbers: Any) -> None:
    with pytest.raises(PrefectxError):
        bool(numbers)
    with pytest.raises(TypeError):
        len(numbers)


@pytest.mark.prefectx("function", "cache")
def test_a_flow_whose_body_computes_on_an_item_never_gives_another_result(
    prefectx_mode: str, tmp_target: TargetStore
) -> None:
    @task
    def numbers(n: int) -> list[int]:
        return list(range(n))

    @flow
    def is_empty(n: int) -> bool:
        return not numbers(n)

    if prefectx_mode == "function":
        assert is_empty(0)
    else:
        with pytest.raises(NotLoaded, match=r"Item\('working/numbers/"):
            is_empty(0)


def test_a_task_that_is_given_an_item_computes_on_its_data(tmp_target: TargetStore) -> None:
    @task
    def numbers(n: int) -> list[int]:
        return list(range(n))

    @task
    def total(values: list[int]) -> int:
        return sum(values) if values else 0

    with use_mode("cache"):
        assert load(total(numbers(4))) == 6


class TestProtocolsThatOnlyAsk:
    def test_attributes_can_be_asked_for(self, numbers: Item[Any]) -> None:
        assert not hasattr(numbers, "column")
        assert getattr(numbers, "column", 3) == 3
        for name in (
            "__dask_graph__",
            "__prefect_self__",
            "__get_pydantic_core_schema__",
            "_repr_html_",
        ):
            assert not hasattr(numbers, name)

    def test_a_property_that_fails_says_why(self) -> None:
        unfinished = Item.__new__(Item)
        with pytest.raises(AttributeError, match="_store"):
            _ = unfinished.path

    def test_copies_and_pickles_are_the_same_item(self, numbers: Item[Any]) -> None:
        for twin in (
            copy.copy(numbers),
            copy.deepcopy(numbers),
            pickle.loads(pickle.dumps(numbers)),
        ):
            assert twin == numbers
            assert hash(twin) == hash(numbers)

    def test_items_are_compared_with_items(self, numbers: Item[Any]) -> None:
        assert numbers == item("in/numbers")
        assert numbers != item("in/letters")
        assert numbers in [item("in/letters"), numbers]

    def test_items_and_their_targets_are_keys_of_one_dict(self, numbers: Item[Any]) -> None:
        assert {numbers: 1, "in/numbers": 2, 3: 3}[numbers] == 1

    def test_items_are_shown(self, numbers: Item[Any]) -> None:
        for shown in (
            repr(numbers),
            str(numbers),
            f"{numbers}",
            f"{numbers!r:>3}",
            pprint.pformat(numbers),
        ):
            assert shown == "Item('in/numbers')"

    def test_items_are_told_by_their_class(self, numbers: object) -> None:
        assert isinstance(numbers, Item)
        others: Any = dict | list | str | int | float
        abstract: Any = collections.abc.Sequence | collections.abc.Mapping
        assert [isinstance(numbers, kind) for kind in (others, abstract)] == [False, False]
        assert numbers.__class__ is Item

    def test_items_are_no_functions_and_no_coroutines(self, numbers: Item[Any]) -> None:
        """Dask would call them as the first of a tuple, Prefect would await them."""
        assert not callable(numbers)
        assert not inspect.isawaitable(numbers)

    def test_a_table_may_hold_items(self, numbers: Item[Any]) -> None:
        held: object = pd.DataFrame({"item": [numbers]}).loc[0, "item"]
        assert held is numbers
