"""Parts of data frames, for hashing: columns, dtypes and values, whatever blocks or chunks."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from prefectx._identity.arrays import array_parts
from prefectx._identity.arrow import column_parts
from prefectx._identity.parts import Parts
from prefectx._types import type_of


def pandas_parts(value: Any) -> Parts | None:
    """Return the parts of a pandas frame, series, index or array; None for other objects."""
    pandas: Any = import_module("pandas")
    kind = type_of(value)
    if isinstance(value, pandas.DataFrame):
        columns = [_column(value.iloc[:, place].array) for place in range(value.shape[1])]
        return Parts("frame", (kind, value.columns, value.index, columns, *_notes(value)))
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


def _notes(value: Any) -> tuple[Any, ...]:
    """Return the metadata of a frame."""
    own = [(name, getattr(value, name, None)) for name in value._metadata if name != "_name"]
    return (value.attrs, value.flags.allows_duplicate_labels, own)


def _index(index: Any) -> Parts:
    pandas: Any = import_module("pandas")
    kind, names = type_of(index), list(index.names)
    if isinstance(index, pandas.MultiIndex):
        # The values, not the levels: some levels may be unused.
        levels = [_column(index.get_level_values(n).array) for n in range(index.nlevels)]
        return Parts("index", (kind, names, levels))
    if isinstance(index, pandas.RangeIndex):
        start = index.start if len(index) else None
        step = index.step if len(index) > 1 else None
        return Parts("index", (kind, names, len(index), start, step))
    return Parts("index", (kind, names, getattr(index, "freqstr", None), _column(index.array)))


def _column(values: Any) -> Any:
    """Return the parts of a column, without its array's type, which follows from its dtype."""
    found = _extension(values)
    return values if found is None else found


def _extension(values: Any) -> list[Any] | None:  # noqa: PLR0911 - one for each kind
    """Return the parts of a pandas array; None for an unknown extension type."""
    numpy: Any = import_module("numpy")

    pandas: Any = import_module("pandas")
    dtype: Any = values.dtype
    arrays = pandas.arrays
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
        return [repr(dtype), *column_parts(values.__arrow_array__())]
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
        return [repr(dtype), array_parts(numpy.asarray(values))]
    return None


def polars_parts(value: Any) -> Parts | None:
    """Return the parts of a Polars frame or series; None for other objects of Polars."""
    import polars

    kind = type_of(value)
    if isinstance(value, polars.DataFrame):
        return Parts("polars frame", (kind, value.height, *map(_series, value.get_columns())))
    return (
        Parts("polars series", (kind, *_series(value)))
        if isinstance(value, polars.Series)
        else None
    )


def _series(series: Any) -> list[Any]:
    import polars

    named = [series.name, repr(series.dtype), len(series)]
    # Python objects have no form in Arrow.
    if series.dtype == polars.Object or not find_spec("pyarrow"):
        return [*named, series.to_list()]
    return [*named, *column_parts(series.to_arrow(compat_level=polars.CompatLevel.oldest()))]
