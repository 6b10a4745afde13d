"""Parts of data frames, for hashing: columns, dtypes and values, whatever blocks or chunks."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.arrays import array_parts, buffers_of, has_buffer
from prefectx._identity.arrow import column_parts
from prefectx._identity.attributes import attributes_besides
from prefectx._identity.parts import Parts, leaf_of_many, library, text_leaf
from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx._identity.parts import Digest

# What the libraries themselves set on frames, series and indexes.
_OF_PANDAS: Final = frozenset(
    {
        *("_mgr", "_attrs", "_flags", "_name", "_names", "_data", "_id", "_cache", "_references"),
        *("_levels", "_codes", "_range", "_freq", "sortorder", "_typ", "_metadata"),
        # Before pandas 3.
        *("_cacher", "_item_cache", "_is_copy", "_no_setting_name"),
    }
)
_OF_POLARS: Final = frozenset({"_df", "_s"})


def pandas_parts(value: Any) -> Parts | None:
    """Return the parts of a pandas frame, series, index or array; None for other objects."""
    pandas: Any = library("pandas")
    kind = type_of(value)
    if isinstance(value, pandas.DataFrame):
        return Parts("frame", (kind, value.columns, value.index, *_columns(value), *_notes(value)))
    if isinstance(value, pandas.Series):
        return Parts(
            "series", (kind, value.name, value.index, _column(value.array), *_notes(value))
        )
    if isinstance(value, pandas.Index):
        return _index(value)
    if isinstance(value, pandas.api.extensions.ExtensionArray):
        found = _extension(value)
        return None if found is None else Parts("extension", (kind, *found))
    return None


def _columns(frame: Any) -> list[Any]:
    """Return a digest for each run of columns of one kind of number, and the parts of others."""
    count = frame.shape[1]
    dtypes: set[Any] = set(frame.dtypes) if count > 1 else set()
    if len(dtypes) == 1 and _is_of_numbers(next(iter(dtypes))):
        # If they are one block, all at once; else one after the other, which gives the same.
        get = _array_getter(frame)
        first, last = (getattr(get(place), "base", None) for place in (0, count - 1))
        if first is not None and first is last:
            return [_run([frame.to_numpy().T])]
    found: list[Any] = []
    arrays = map(_array_getter(frame), range(count))
    for kind, group in groupby(arrays, _kind_of_run):
        columns = list(group)
        found += [_run([x[None] for x in columns])] if kind else map(_column, columns)
    return found


def _run(blocks: list[Any]) -> Digest:
    """Return the digest of columns of one dtype: each is a row of a block."""
    dtype = blocks[0].dtype
    count = sum(map(len, blocks))
    if dtype.kind in "mM":
        # pandas has them in arrays of its own, as numbers.
        blocks = [block.reshape(-1).asi8 for block in blocks]
    return leaf_of_many(
        f"columns {dtype.str} {count}", chain.from_iterable(map(buffers_of, blocks))
    )


def _kind_of_run(values: Any) -> str:
    """Return the dtype of a column that can be hashed with its neighbours; "" if it cannot."""
    pandas: Any = library("pandas")
    numpy: Any = library("numpy")
    dtype = values.dtype
    if isinstance(values, pandas.arrays.DatetimeArray | pandas.arrays.TimedeltaArray):
        return str(dtype.str) if isinstance(dtype, numpy.dtype) else ""
    is_run = isinstance(values, numpy.ndarray) and _is_of_numbers(dtype)
    return str(dtype.str) if is_run else ""


def _is_of_numbers(dtype: Any) -> bool:
    numpy: Any = library("numpy")
    return isinstance(dtype, numpy.dtype) and dtype.kind in "biufc" and has_buffer(dtype)


def _array_getter(frame: Any) -> Callable[[int], Any]:
    # It is not promised, but takes a hundredth of the time.
    found: Callable[[int], Any] | None = getattr(frame, "_get_column_array", None)
    return found or (lambda place: frame.iloc[:, place].array)


def _notes(value: Any) -> tuple[Any, ...]:
    """Return the metadata of a frame, and attributes such as those of `frame.unit = "m"`."""
    own = [(name, getattr(value, name, None)) for name in value._metadata if name != "_name"]
    return (value.attrs, value.flags.allows_duplicate_labels, own, _set_by_others(value))


def _set_by_others(value: Any) -> dict[str, Any]:
    # Before pandas 3, what `series.str` gives is kept on the series.
    accessors: frozenset[str] = getattr(type_of(value), "_accessors", frozenset())
    return attributes_besides(value, _OF_PANDAS | accessors)


def _index(index: Any) -> Parts:
    pandas: Any = library("pandas")
    kind, names = (type_of(index), _set_by_others(index)), list(index.names)
    if isinstance(index, pandas.MultiIndex):
        # Not the values alone: a function sees the order of the levels, and those that are unused.
        levels = [_column(level.array) for level in index.levels]
        return Parts("index", (kind, names, levels, list(index.codes)))
    if isinstance(index, pandas.RangeIndex):
        return Parts("index", (kind, names, index.start, index.stop, index.step))
    # Its text does not show the holidays of a calendar.
    return Parts("index", (kind, names, getattr(index, "freq", None), _column(index.array)))


def _column(values: Any) -> Any:
    """Return the parts of a column, without its array's type, which follows from its dtype."""
    found = _extension(values)
    return values if found is None else Parts("column", found)


def _extension(values: Any) -> list[Any] | None:  # noqa: PLR0911 - one for each kind
    """Return the parts of a pandas array; None for an unknown extension type."""
    numpy: Any = library("numpy")

    pandas: Any = library("pandas")
    dtype: Any = values.dtype
    arrays = pandas.arrays
    if isinstance(values, numpy.ndarray):
        return [array_parts(values)]
    if isinstance(dtype, numpy.dtype) and isinstance(values, arrays.NumpyExtensionArray):
        return [array_parts(values.to_numpy())]
    if isinstance(values, pandas.Categorical):
        return ["category", values.ordered, values.categories, array_parts(values.codes)]
    if isinstance(values, arrays.DatetimeArray | arrays.TimedeltaArray | arrays.PeriodArray):
        # pandas treats all time zones for UTC as the same.
        return [str(dtype), getattr(values, "tz", None), array_parts(values.asi8)]
    if isinstance(values, arrays.IntervalArray):
        return [str(dtype), values.closed, values.left, values.right]
    if isinstance(values, arrays.ArrowExtensionArray | arrays.ArrowStringArray):
        return [repr(dtype), column_parts(values.__arrow_array__())]
    if isinstance(values, arrays.BooleanArray | arrays.IntegerArray | arrays.FloatingArray):
        missing = values.isna()
        # The values below missing ones are undefined.
        filled = values.to_numpy(dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return [str(dtype), array_parts(missing), array_parts(filled)]
    if isinstance(values, arrays.StringArray):
        missing = values.isna()
        texts = values.to_numpy(object, na_value=None).tolist()
        return [repr(dtype), array_parts(missing), texts]
    if isinstance(values, arrays.SparseArray):
        # A value may be kept although it is the one that is left out.
        kept = (values.kind, values.sp_index.indices if values.kind == "integer" else None)
        return [repr(dtype), *kept, array_parts(numpy.asarray(values))]
    return None


def polars_parts(value: Any) -> Parts | None:
    """Return the parts of a Polars frame or series; None for other objects of Polars."""
    polars: Any = library("polars")

    kind = type_of(value)
    if isinstance(value, polars.DataFrame):
        columns = chain.from_iterable(map(_series, value.get_columns()))
        own = attributes_besides(value, _OF_POLARS)
        return Parts("polars frame", (kind, value.height, own, *columns))
    if isinstance(value, polars.Series):
        own = attributes_besides(value, _OF_POLARS)
        return Parts("polars series", (kind, own, *_series(value)))
    return None


def _series(series: Any) -> tuple[Any, Any]:
    polars: Any = library("polars")
    named = text_leaf("series", repr((series.name, repr(series.dtype), len(series))))
    # Python objects have no form in Arrow.
    if series.dtype == polars.Object or not _has_arrow():
        return named, series.to_list()
    try:
        column = series.to_arrow(compat_level=polars.CompatLevel.oldest())
    except library("pyarrow").ArrowInvalid:  # Arrow has no integers of 128 bits
        # Python's own times have no nanoseconds, and numbers of categories are no values.
        return named, [series.to_physical().to_list(), series.to_list()]
    if library("pyarrow.types").is_dictionary(column.type):
        # The order of categories is that in which the process has met them.
        column = column.dictionary_decode()
    return named, column_parts(column)


@cache
def _has_arrow() -> bool:
    return find_spec("pyarrow") is not None
