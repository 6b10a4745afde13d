"""CSV and Parquet: what goes in comes out, type included, or is refused."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as from_pandas

from prefectx import load, task
from prefectx.errors import CorruptTarget, UnsupportedValue
from prefectx.stores import Filestore
from pytest_prefectx import Targets, identical

if TYPE_CHECKING:
    from pytest_prefectx.fixtures import TargetsFactory

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("folder")]

DAY = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)
OLD = datetime.datetime(1700, 1, 1)  # noqa: DTZ001 - columns without a zone have such
COLUMNS: dict[str, list[object]] = {
    "number": [1, 2, 3],
    "float": [0.1, -0.0, math.inf],
    "text": ["a", 'b,\n"c"', "ä 😀"],
    "flag": [True, False, True],
}
RICH: dict[str, list[object]] = {
    **COLUMNS,
    "nan": [math.nan, 1.0, -0.0],
    "none": ["NA", "", None],
    "time": [DAY, DAY, DAY],
    "list": [[1], [], [2, 3]],
}
PLAIN = [pd.DataFrame(COLUMNS), pl.DataFrame(COLUMNS), pa.table(COLUMNS)]
TABLES = [
    *PLAIN,
    pl.DataFrame(RICH),
    pa.table(RICH),
    pd.DataFrame({**COLUMNS, "time": [DAY] * 3, "kind": pd.Categorical(["x", "y", "x"])}),
    pd.DataFrame({"time": [DAY] * 3, "a": [1, 2, 3]}).set_index("time"),
    pd.DataFrame(COLUMNS).set_index("text"),
    pd.DataFrame(COLUMNS, index=pd.Index([3, 1, 2], name="key")),
    pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64")}),
    pd.DataFrame({"a": []}),
    pl.DataFrame({"a": pl.Series([], dtype=pl.Int8)}),
    pl.DataFrame({"a": pl.Series(["x", "y"], dtype=pl.Categorical)}),
    pa.table({"a": pa.array([1, 2], pa.int8())}, metadata={"mine": "too"}),
]
CSV = {"pandas": ".csv", "polars": ".polars.csv", "pyarrow": ".arrow.csv"}


def library(table: object) -> str:
    return type(table).__module__.partition(".")[0]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, pa.Table):
        equal = a.schema.equals(b.schema, check_metadata=True)
        return equal and repr(a.to_pylist()) == repr(b.to_pylist())
    return identical(a, b)


@pytest.mark.parametrize("table", TABLES, ids=library)
def test_a_table_comes_out_of_parquet_as_it_went_in(table: object) -> None:
    Filestore().save("t.parquet", table)
    back = Filestore().load("t.parquet")
    assert type(back) is type(table)
    assert same(table, back)


@pytest.mark.parametrize("table", PLAIN, ids=library)
def test_a_table_comes_out_of_its_csv_as_it_went_in(table: object) -> None:
    suffix = CSV[library(table)]
    Filestore().save("t" + suffix, table)
    back = Filestore().load("t" + suffix)
    assert type(back) is type(table)
    assert same(table, back)


REFUSED = {
    "index": (
        pd.DataFrame({"a": [1, 2]}, index=[3, 4]),
        ".csv would change index: .*; use .parquet",
    ),
    "int names": (pd.DataFrame({1: [1, 2]}), ".csv would change columns: .*"),
    "NA": (
        pd.DataFrame({"a": ["x", "NA"]}),
        ".csv would change column 'a': row 1, 'NA', into nan; use .parquet",
    ),
    "empty text": (pd.DataFrame({"a": ["x", ""]}), "column 'a': row 1, '', into nan"),
    "numbers as text": (pd.DataFrame({"a": ["1", "2"]}), "column 'a': dtype"),
    "narrow": (pd.DataFrame({"a": np.array([1], "int8")}), r"column 'a': dtype .*int8"),
    "time zone": (
        pd.DataFrame({"a": [DAY]}),
        "column 'a': time zone datetime.timezone.utc into None; use .parquet",
    ),
    "categories": (pd.DataFrame({"a": pd.Categorical(["x"])}), "column 'a': dtype Categorical"),
    "lists": (pd.DataFrame({"a": [[1]]}), "column 'a': "),
    "no columns": (pd.DataFrame(index=[0, 1]), ".csv cannot give this pandas.DataFrame back"),
    "a list of records": ([{"a": 1}], "a .csv target takes a pandas.DataFrame, not a list"),
    "polars": (pl.DataFrame({"a": [1]}), "not a polars.DataFrame; use .parquet or pickle"),
    "a series": (pd.Series([1]), "not a pandas.Series; use pickle"),
}


@pytest.mark.parametrize(("value", "why"), REFUSED.values(), ids=REFUSED)
def test_what_csv_would_change_is_refused_and_nothing_is_written(value: object, why: str) -> None:
    with pytest.raises(UnsupportedValue, match=why):
        Filestore().save("t.csv", value)
    assert list(Filestore().list()) == []


@pytest.mark.parametrize(
    ("suffix", "value", "why"),
    [
        (".polars.csv", pl.DataFrame({"a": [[1]]}), "use .parquet"),
        (".polars.csv", pl.DataFrame({"a": ["1"]}), "column 'a': dtype String into Int64"),
        (".polars.csv", pd.DataFrame({"a": [1]}), "takes a polars.DataFrame"),
        (".arrow.csv", pa.table({"a": pa.array([1], pa.int8())}), "schema"),
        (".arrow.csv", pa.table({"a": ["1"]}), "schema"),
        (".parquet", {"a": [1]}, "takes a pandas.DataFrame, a polars.DataFrame or a pyarrow.Table"),
        (".parquet", pd.DataFrame({"a": [{"b"}]}), "; use pickle"),
        (".parquet", pd.DataFrame({"a": [1, "x"]}), "; use pickle"),
        (".parquet", pd.DataFrame({"a": [(1, 2)]}), r"column 'a': .*; use pickle"),
        (".parquet", pd.DataFrame({1: [1], "1": [2]}), "; use pickle"),
    ],
)
def test_what_other_formats_of_tables_would_change_is_refused(
    suffix: str, value: object, why: str
) -> None:
    with pytest.raises(UnsupportedValue, match=why):
        Filestore().save("t" + suffix, value)
    assert list(Filestore().list()) == []


cells = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(),
    "text": st.text() | st.sampled_from(["NA", "", "1", "nan", "true", "1.0", '"', "\n", " a"]),
    "bool": st.booleans(),
    "mixed": st.one_of(st.none(), st.integers(), st.text(max_size=2), st.floats()),
}


@st.composite
def columns(draw: st.DrawFn) -> dict[str, list[object]]:
    size = draw(st.integers(0, 4))
    kinds = draw(st.lists(st.sampled_from(list(cells)), max_size=3))
    names = draw(
        st.lists(st.text(max_size=3), min_size=len(kinds), max_size=len(kinds), unique=True)
    )
    return {
        name: draw(st.lists(cells[kind], min_size=size, max_size=size))
        for name, kind in zip(names, kinds, strict=True)
    }


def check_kept_or_refused(target: str, table: object, tmp_target_factory: TargetsFactory) -> None:
    with tmp_target_factory() as target_folder:
        try:
            Filestore().save(target, table)
        except UnsupportedValue:
            assert target_folder.items() == []
            return
        back = Filestore().load(target)
        assert type(back) is type(table)
        assert same(table, back)


@given(columns=columns(), suffix=st.sampled_from([".csv", ".parquet"]))
@settings(deadline=None, max_examples=150)
def test_any_pandas_table_is_kept_as_it_is_or_refused(
    columns: dict[str, list[object]], suffix: str, tmp_target_factory: TargetsFactory
) -> None:
    try:
        table = pd.DataFrame(columns)
    except (OverflowError, UnicodeEncodeError):
        return
    check_kept_or_refused("t" + suffix, table, tmp_target_factory)


@given(
    table=from_pandas.data_frames(
        [from_pandas.column("a", dtype=kind) for kind in ("float32",)]
        + [from_pandas.column("b", elements=st.datetimes(OLD))],
        index=from_pandas.range_indexes() | from_pandas.indexes(dtype="int64"),
    ),
    suffix=st.sampled_from([".csv", ".parquet"]),
)
@settings(deadline=None, max_examples=50)
def test_any_typed_pandas_table_is_kept_as_it_is_or_refused(
    table: object, suffix: str, tmp_target_factory: TargetsFactory
) -> None:
    check_kept_or_refused("t" + suffix, table, tmp_target_factory)


@given(columns=columns(), suffix=st.sampled_from([".polars.csv", ".parquet"]))
@settings(deadline=None, max_examples=100)
def test_any_polars_table_is_kept_as_it_is_or_refused(
    columns: dict[str, list[object]], suffix: str, tmp_target_factory: TargetsFactory
) -> None:
    try:
        table = pl.DataFrame(columns)
    except (TypeError, OverflowError, UnicodeEncodeError, pl.exceptions.PolarsError):
        return
    check_kept_or_refused("t" + suffix, table, tmp_target_factory)


def test_a_polars_table_that_arrow_cannot_take_is_refused(tmp_target: Targets) -> None:
    with pytest.raises(UnsupportedValue, match="polars cannot give this table to Arrow"):
        Filestore().save("t.parquet", pl.DataFrame({"\0a": [1]}))
    assert tmp_target.items() == []


@given(columns=columns(), suffix=st.sampled_from([".arrow.csv", ".parquet"]))
@settings(deadline=None, max_examples=100)
def test_any_arrow_table_is_kept_as_it_is_or_refused(
    columns: dict[str, list[object]], suffix: str, tmp_target_factory: TargetsFactory
) -> None:
    try:
        table = pa.table(columns)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        return
    check_kept_or_refused("t" + suffix, table, tmp_target_factory)


@pytest.mark.parametrize(
    ("suffix", "module", "reader"),
    [(".parquet", pq, "ParquetFile"), (".arrow.csv", pc, "read_csv")],
)
def test_arrows_threads_are_given_no_object_of_pythons(
    suffix: str, module: object, reader: str, tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a process that ends while they let go of it is aborted by Python."""
    given: list[Any] = []
    read = getattr(module, reader)

    def watched(source: object) -> object:
        given.append(source)
        return read(source)

    monkeypatch.setattr(module, reader, watched)
    table = pa.table(COLUMNS)
    Filestore().save(f"a{suffix}", table)
    assert same(Filestore().load(f"a{suffix}"), table)
    assert len(given) == 2
    for source in given:
        assert type(source) is pa.BufferReader
        source.seek(0)
        assert source.read_buffer().parent.is_mutable, "this is a bytes object's memory"


def test_others_read_what_was_saved() -> None:
    frame = pd.DataFrame(COLUMNS)
    Filestore().save("t.csv", frame)
    Filestore().save("t.parquet", frame)
    pd.testing.assert_frame_equal(pd.read_csv("t.csv"), frame)
    pd.testing.assert_frame_equal(pd.read_parquet("t.parquet"), frame)
    assert pl.read_parquet("t.parquet").shape == frame.shape


def test_what_others_wrote_becomes_a_pandas_frame() -> None:
    frame = pd.DataFrame(COLUMNS)
    frame.to_csv("t.csv", index=False)
    frame.to_parquet("t.parquet")
    pq.write_table(pa.table(COLUMNS), "u.parquet")
    for name in ("t.csv", "t.parquet", "u.parquet"):
        assert identical(Filestore().load(name), frame)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".polars.csv", ".arrow.csv"])
def test_what_is_no_table_is_corrupt(suffix: str) -> None:
    Path("t" + suffix).write_bytes(b"" if "csv" in suffix else b"PAR1 and no more")
    with pytest.raises(CorruptTarget, match="rm "):
        Filestore().load("t" + suffix)


def test_a_task_gives_a_table_in_each_call(tmp_target: Targets) -> None:
    @task(target="out/{name}.parquet")
    def make(name: str) -> object:
        return {"a": pd, "b": pl}[name].DataFrame(COLUMNS)

    for _ in range(2):
        assert same(load(make("a")), pd.DataFrame(COLUMNS))
        assert same(load(make("b")), pl.DataFrame(COLUMNS))
    assert tmp_target.runs == {"make": 2}
