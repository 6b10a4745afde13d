"""`identical` and `difference` of arrays and tables."""

from __future__ import annotations

import copy
import importlib.util
import pickle
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pytest_prefectx.equality import difference, identical

pytestmark = pytest.mark.prefectx("cache")

NAN = float("nan")


def at(value: object, path: str) -> object:
    """Return what Python finds there."""
    return eval(f"value{path}", {"value": value})  # noqa: S307


pandas_and_numpy_are_there = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("numpy", "pandas"))), reason="needs numpy and pandas"
)


def numpy_values() -> list[object]:
    import numpy as np

    return [
        *(
            np.arange(3),
            np.array([1.0, NAN, -0.0]),
            np.array([1j, complex(NAN, 1)]),
            np.array(["a"]),
        ),
        *(
            np.array([None, {"a": 1}], object),
            np.array(5),
            np.zeros((0, 3)),
            np.array([b"ab"], "V2"),
        ),
        np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]),
        *(
            np.ma.array([1, 2], mask=[False, True]),
            np.ma.array([1, 2]),
            np.array(["NaT", "2026"], "M8[s]"),
        ),
        *(
            np.float32(NAN),
            np.float64(NAN),
            np.datetime64("NaT", "s"),
            np.longdouble(1.5),
            np.void(b"ab"),
        ),
        *(np.array([(1, 2)], "i4,i4")[0], np.random.default_rng(1), np.dtype("i4,f8"), np.bool_(1)),
        *(np.str_("a"), np.array([[1, 2]], order="F"), np.recarray((0,), dtype=[("x", "i4")])),
        np.array(["a", "b"], np.dtypes.StringDType()),
    ]


def pandas_values() -> list[object]:
    import pandas as pd

    return [
        *(
            pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
            pd.Series([1.0, NAN], name="s"),
            pd.Index([1]),
        ),
        pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["x", None]),
        *(
            pd.Series(["a", "b"], dtype="category"),
            pd.Series([1, None], dtype="Int64"),
            pd.DataFrame(),
        ),
        *(pd.date_range("2026", periods=3, tz="UTC"), pd.period_range("2026", "2027", freq="Y")),
        *(
            pd.interval_range(0, 3),
            pd.Series([0, 1], dtype="Sparse[int]"),
            pd.Series(pd.interval_range(0, 3)),
        ),
        *(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"], index=[0, 0]), pd.Categorical(["a"])),
        *(
            pd.Timestamp("2026", tz="UTC"),
            pd.Timedelta(5),
            pd.NaT,
            pd.NA,
            pd.array([1, 2]),
            pd.RangeIndex(3),
        ),
        *(
            pd.Series([1.5, NAN], dtype="Float64"),
            pd.Series([pd.Timestamp("2026"), 3], dtype=object),
        ),
    ]


@pandas_and_numpy_are_there
@pytest.mark.parametrize("values", [numpy_values, pandas_values])
def test_arrays_and_tables_are_identical_to_their_copies(values: Any) -> None:
    for value in values():
        for other in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            assert difference(value, other) is None


def numpy_differences() -> list[object]:
    import numpy as np

    ten = np.arange(10.0).reshape(2, 5)
    other = ten.copy()
    other[1, 3] = 9
    row = [("x", "i4"), ("y", "f8")]
    return [
        (ten, other, "[1, 3]", "another value"),
        (ten, ten.astype("f4"), ".dtype", "dtype float64, not float32"),
        (ten, ten.ravel(), ".shape", "shape (2, 5), not (10,)"),
        (ten, ten.tolist(), "", "type ndarray, not list"),
        (np.array([1], "<i4"), np.array([1], ">i4"), ".dtype", "dtype int32, not >i4"),
        (np.array([0.0]), np.array([-0.0]), "[0]", "another value"),
        (np.array([1, NAN]), np.array([1, 2.0]), "[1]", "another value"),
        (np.array([complex(0, 0.0)]), np.array([complex(0, -0.0)]), "[0]", "another value"),
        (np.array(1), np.array(2), "[()]", "another value"),
        (np.array(["a", "b"]), np.array(["a", "c"]), "[1]", "another value"),
        (
            np.array([1, {"a": [1]}], object),
            np.array([1, {"a": [2]}], object),
            "[1]['a'][0]",
            "another value",
        ),
        (np.array([1, True], object), np.array([1, 1], object), "[1]", "type bool, not int"),
        (np.array([(1, 2.0)], row), np.array([(1, 3.0)], row), "['y'][0]", "another value"),
        (np.array([b"a\0"], "V2"), np.array([b"b\0"], "V2"), "[0]", "another value"),
        (np.array([b"a\0"], "V2"), np.array([b"a\1"], "V2"), "[0]", "another value"),
        (
            np.ma.array([1, 2], mask=[True, False]),
            np.ma.array([1, 2], mask=[False, True]),
            ".mask[0]",
            "another value",
        ),
        (
            np.ma.array([1, 2], mask=[True, False]),
            np.ma.array([3, 2], mask=[True, False]),
            ".data[0]",
            "another value",
        ),
        (
            np.ma.array([1], fill_value=1),
            np.ma.array([1], fill_value=2),
            ".fill_value",
            "another value",
        ),
        (np.array(["2026"], "M8[D]"), np.array(["NaT"], "M8[D]"), "[0]", "another value"),
        (
            np.datetime64("2026", "s"),
            np.datetime64("2026", "ms"),
            ".dtype",
            "dtype datetime64[s], not datetime64[ms]",
        ),
        (np.float32(1), np.float32(2), "", "another value"),
        (np.float64(0.0), np.float64(-0.0), "", "another value"),
        (np.float64(0.0), 0.0, "", "type float64, not float"),
        (np.array([(1, 2)], "i4,i4")[0], np.array([(1, 3)], "i4,i4")[0], "", "another value"),
        (np.random.default_rng(1), np.random.default_rng(2), "", "another value"),
    ]


def pandas_differences() -> list[object]:
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2], "b": [0.0, 1.0]}, index=["p", "q"])
    noted = frame.copy()
    noted.attrs["unit"] = "mm"
    letters = pd.Series(["a", "b"], dtype="category")
    utc = pd.Series(pd.to_datetime(["2026"]).tz_localize("UTC"))
    days = pd.date_range("2026", periods=3)
    return [
        (frame, frame.assign(b=[0.0, 2.0]), "['b']['q']", "another value"),
        (frame, frame.assign(b=[-0.0, 1.0]), "['b']['p']", "another value"),
        (frame, frame.astype({"a": "f8"}), ".dtypes['a']", "dtype int64, not float64"),
        (frame, frame.rename(columns={"a": "z"}), ".columns[0]", "another value"),
        (frame, frame[["b", "a"]], ".columns[0]", "another value"),
        (frame, frame.rename(index={"q": "z"}), ".index[1]", "another value"),
        (frame, frame.rename_axis("i"), ".index.names[0]", "type NoneType, not str"),
        (frame, frame.iloc[:1], ".index", "length 2, not 1"),
        (frame, frame.reset_index(drop=True), ".index", "type Index, not RangeIndex"),
        (frame, noted, ".attrs", "key 'unit' only on the right"),
        (
            frame.set_axis([0, 0]),
            frame.assign(a=[1, 3]).set_axis([0, 0]),
            "['a'].iloc[1]",
            "another value",
        ),
        (
            pd.DataFrame([[1, 2]], columns=["a", "a"]),
            pd.DataFrame([[1, 3]], columns=["a", "a"]),
            ".iloc[:, 1][0]",
            "another value",
        ),
        (pd.Series([1], name="a"), pd.Series([1], name="b"), ".name", "another value"),
        (pd.Series([1, 2], index=[5, 6]), pd.Series([1, 3], index=[5, 6]), "[6]", "another value"),
        (pd.Series([[1], [2]]), pd.Series([[1], [3]]), "[1][0]", "another value"),
        (
            letters,
            letters.cat.reorder_categories(["b", "a"]),
            ".dtype.categories[0]",
            "another value",
        ),
        (letters, letters.cat.as_ordered(), ".dtype.ordered", "another value"),
        (letters, letters.where(letters == "b", "b"), "[0]", "another value"),
        (letters, letters.astype(object), ".dtype", "dtype category, not object"),
        (
            utc,
            utc.dt.tz_convert("Europe/Berlin"),
            ".dtype",
            "dtype datetime64[us, UTC], not datetime64[us, Europe/Berlin]",
        ),
        (utc, utc.dt.tz_convert(ZoneInfo("UTC")), ".dtype.tz", "type timezone, not ZoneInfo"),
        (
            pd.Series([1, None], dtype="Int64"),
            pd.Series([1, 2], dtype="Int64"),
            "[1]",
            "type NAType, not int",
        ),
        (
            pd.Series([0.0], dtype="Float64"),
            pd.Series([-0.0], dtype="Float64"),
            "[0]",
            "another value",
        ),
        (days, pd.DatetimeIndex(list(days)), ".freqstr", "type str, not NoneType"),
        (
            pd.MultiIndex.from_tuples([(1, "a")]),
            pd.MultiIndex.from_tuples([(1, "b")]),
            ".get_level_values(1)[0]",
            "another value",
        ),
        (pd.RangeIndex(2), pd.Index([0, 1]), "", "type RangeIndex, not Index"),
        (pd.array([1, 2]), pd.array([1, 3]), "[1]", "another value"),
    ]


@pandas_and_numpy_are_there
@pytest.mark.parametrize("differences", [numpy_differences, pandas_differences])
def test_the_first_difference_of_arrays_and_tables_is_named(differences: Any) -> None:
    for left, right, path, why in differences():
        for wrapped in (lambda value: value, lambda value: [0, value]):
            found = difference(wrapped(left), wrapped(right))
            assert found is not None, (left, right)
            assert found.path.removeprefix("[1]" if wrapped(0) != 0 else "") == path
            assert found.why == why
            # An element may be a number of numpy's in one place and Python's in the other.
            assert str(found.left) == str(at(left, path))
            assert str(found.right) == str(at(right, path))


def polars_differences() -> list[object]:
    pl = pytest.importorskip("polars")
    return [
        (pl.DataFrame({"a": [0.0]}), pl.DataFrame({"a": [-0.0]}), "['a'][0]", "another value"),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1.0]}), "['a'].dtype", None),
        (pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [1, 3]}), "['a'][1]", "another value"),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]}), ".columns[0]", "another value"),
        (pl.Series("a", [1]), pl.Series("b", [1]), ".name", "another value"),
        (pl.Series([1]), pl.Series([1, 2]), "", "length 1, not 2"),
    ]


def arrow_differences() -> list[object]:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"a": [1, 2]})
    return [
        (pa.table({"a": [0.0]}), pa.table({"a": [-0.0]}), ".column(0)[0]", "another value"),
        (table, pa.table({"a": [1, 3]}), ".column(0)[1]", "another value"),
        (table, table.replace_schema_metadata({"x": "y"}), ".schema", "another schema"),
        (pa.array([1]), pa.array([1.0]), "", "type Int64Array, not DoubleArray"),
        (pa.scalar(1), pa.scalar(2), "", "another value"),
    ]


@pytest.mark.parametrize("differences", [polars_differences, arrow_differences])
def test_the_first_difference_of_other_libraries_tables_is_named(differences: Any) -> None:
    for left, right, path, why in differences():
        found = difference(left, right)
        assert found is not None
        assert found.path == path
        assert why in {found.why, None}
        for value in (left, right):
            assert identical(value, copy.deepcopy(value))
            assert identical(value, pickle.loads(pickle.dumps(value)))
