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
