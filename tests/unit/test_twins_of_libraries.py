"""Values of libraries that look alike, in what their pickles and names of types do not show."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

from prefectx._identity.content_hash import digest

if TYPE_CHECKING:
    from collections.abc import Callable


def noted(value: Any, name: str) -> Any:
    """Return a value with an attribute of the user's own: `frame.name = "north"`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value.name_of_it = name
    return value


class TestWhatLibrariesDoNotPickle:
    """A frame's attributes, for instance: a function sees them, though pickle leaves them out."""

    @pytest.mark.parametrize("kind", ["DataFrame", "Series", "Index"])
    def test_attributes_of_frames_count(self, kind: str) -> None:
        pd = pytest.importorskip("pandas")
        make = getattr(pd, kind)
        values = [noted(make([1]), "a"), noted(make([1]), "b"), make([1])]
        assert len({digest(value) for value in values}) == 3
        assert digest(noted(make([1]), "a")) == digest(values[0])

    @pytest.mark.parametrize("kind", ["DataFrame", "Series"])
    def test_attributes_of_polars_count(self, kind: str) -> None:
        pl = pytest.importorskip("polars")
        make = getattr(pl, kind)
        values = [noted(make([1]), "a"), noted(make([1]), "b"), make([1])]
        assert len({digest(value) for value in values}) == 3

    def test_private_attributes_count_too_but_those_of_the_library(self) -> None:
        pd = pytest.importorskip("pandas")
        pl = pytest.importorskip("polars")
        np = pytest.importorskip("numpy")

        table = type("Table", (pd.DataFrame,), {})

        def scaled(value: Any, scale: int) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value._scale = scale
            return value

        kinds = (table, pd.DataFrame, pd.Series, pd.Index, pl.DataFrame, pl.Series, np.ma.zeros)
        for make in kinds:
            values = [scaled(make([1]), 1), scaled(make([1]), 2), make([1])]
            assert len({digest(value) for value in values}) == 3, make

    def test_levels_and_bounds_of_an_index_count(self) -> None:
        pd = pytest.importorskip("pandas")
        pairs = pd.MultiIndex.from_product([["a", "b"], [1, 2]])
        indexes = [
            *(pairs[:2], pairs[:2].remove_unused_levels()),
            *(pd.MultiIndex([[*"ab"]], [[0, 1]]), pd.MultiIndex([[*"ba"]], [[1, 0]])),
            *(
                pd.RangeIndex(0, 5, 2),
                pd.RangeIndex(0, 6, 2),
                pd.RangeIndex(0),
                pd.RangeIndex(1, 1),
            ),
        ]
        assert len({digest(index) for index in indexes}) == len(indexes)

    def test_numbers_that_arrow_does_not_have_count(self) -> None:
        pl = pytest.importorskip("polars")
        numbers = [pl.Series([n], dtype=pl.Int128) for n in (1, 2**100, 2**100 + 1)]
        assert len({digest(each) for each in numbers}) == 3
        fields = {"a": pl.Int128, "b": pl.Int64}
        times = [
            pl.Series([{"a": 1, "b": n}], dtype=pl.Struct(fields)).cast(
                pl.Struct({**fields, "b": pl.Time})
            )
            for n in (1, 2)
        ]
        assert digest(times[0]) != digest(times[1])

    def test_use_of_a_frame_does_not_count(self) -> None:
        pd = pytest.importorskip("pandas")
        makers: list[Callable[[], Any]] = [
            lambda: pd.DataFrame({"a": [1]}),
            lambda: pd.date_range("2024", periods=3),
        ]
        for make in makers:
            used = make()
            _ = used.values, used.T, used.memory_usage(), getattr(used, "is_unique", None)
            assert digest(used) == digest(make())

    def test_masked_arrays_and_dtypes_count_with_their_notes(self) -> None:
        np = pytest.importorskip("numpy")
        metres, seconds = (np.dtype("f8", metadata={"unit": unit}) for unit in "ms")
        masked = [np.ma.zeros(2), np.ma.array([0.0, 0.0], hard_mask=True)]
        values = [
            *(np.zeros(2), np.zeros(2, metres), np.zeros(2, seconds), np.ma.masked, *masked),
            *(noted(np.ma.zeros(2), "a"), noted(np.ma.zeros(2), "b")),
        ]
        assert len({digest(value) for value in values}) == len(values)

    def test_calendars_of_an_index_count(self) -> None:
        pd = pytest.importorskip("pandas")
        days = [
            pd.date_range("2024", periods=3, freq=pd.offsets.CustomBusinessDay(holidays=[day]))
            for day in ("2024-02-01", "2024-02-02", "2024-02-01")
        ]
        assert digest(days[0]) == digest(days[2]) != digest(days[1])

    def test_kept_zeros_of_a_sparse_array_count(self) -> None:
        pd = pytest.importorskip("pandas")
        kinds = [pd.arrays.SparseArray([0, 1], kind=kind) for kind in ("integer", "block")]
        assert digest(kinds[0]) != digest(kinds[1])


class TestTypesOfArrow:
    def test_categories_count_with_their_order(self) -> None:
        pa = pytest.importorskip("pyarrow")

        def made(codes: list[int], names: str, *, ordered: bool = False) -> Any:
            return pa.DictionaryArray.from_arrays(pa.array(codes), [*names], ordered=ordered)

        values = [
            *(made([0, 1], "ab"), made([1, 0], "ba"), made([0, 1], "abc")),
            *(made([0, 1], "ab", ordered=True), made([1, 0], "ba", ordered=True)),
        ]
        assert len({digest(value) for value in values}) == 5
        chunks = pa.chunked_array([values[0][:1], values[0][1:]])
        assert digest(chunks) == digest(pa.chunked_array([values[0]]))

    def test_nanoseconds_count_at_any_depth(self) -> None:
        pa = pytest.importorskip("pyarrow")
        time = pa.time64("ns")
        makers: dict[object, Callable[[int], object]] = {
            pa.list_(time): lambda n: [n],
            pa.list_(time, 1): lambda n: [n],
            pa.large_list(time): lambda n: [n],
            pa.map_(pa.int64(), time): lambda n: [(1, n)],
            pa.struct({"a": pa.list_(time, 1)}): lambda n: {"a": [n]},
        }
        for kind, make in makers.items():
            one, two = (pa.array([make(n), None, make(0)], kind) for n in (1, 2))
            assert digest(one) != digest(two), kind
            assert digest(pa.array([make(0), make(1), None, make(0)], kind)[1:]) == digest(one)
        assert digest(pa.scalar(1, time)) != digest(pa.scalar(2, time))

    def test_values_of_unions_runs_and_views_count_to_the_nanosecond(self) -> None:
        pa = pytest.importorskip("pyarrow")
        time = pa.time64("ns")

        def union(code: int, below: int = 0) -> Any:
            fields = [pa.array([5 + below * place, 6], time) for place in (code, 1 - code)]
            return pa.UnionArray.from_sparse(pa.array([code, 1], pa.int8()), fields)

        def dense(value: int) -> Any:
            codes, offsets = pa.array([0], pa.int8()), pa.array([0], pa.int32())
            return pa.UnionArray.from_dense(codes, offsets, [pa.array([value], time)])

        def runs(value: int) -> Any:
            return pa.RunEndEncodedArray.from_arrays([2], pa.array([value], time))

        def views(value: int) -> Any:
            return pa.array([[value], None], pa.list_view(time))

        for make in (union, dense, runs, views):
            one, two = make(0), make(1)
            assert digest(one) != digest(two), make
            chunks = pa.chunked_array([one[:1], one[1:]])
            assert digest(chunks) == digest(pa.chunked_array([one])), make
        # What lies below the values of another field is undefined.
        assert digest(union(0)) == digest(union(0, below=3))

    def test_what_the_name_of_a_type_does_not_show_counts(self) -> None:
        pa = pytest.importorskip("pyarrow")
        plain, other = (
            pa.array([[1]], pa.list_(pa.field("item", pa.int64(), metadata=metadata)))
            for metadata in (None, {"unit": "m"})
        )
        assert digest(plain) != digest(other)
        assert digest(pa.table({"a": plain})) != digest(pa.table({"a": other}))
        storage = pa.array([[1, 2, 3, 4]], pa.list_(pa.int32(), 4))
        tensors = [
            pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.int32(), shape), storage)
            for shape in ((2, 2), (4, 1), (1, 4))
        ]
        assert len({digest(each) for each in tensors}) == 3
        assert len({digest(each[0]) for each in tensors}) == 3
        assert len({digest(pa.table({"a": each})) for each in tensors}) == 3
