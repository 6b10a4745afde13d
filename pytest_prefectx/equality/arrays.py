"""Walkers of `identical` for arrays and tables of optional libraries.

The walker is chosen by the name of the type, so numpy, pandas, polars and pyarrow are imported only
for their own values, when they are imported already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from pytest_prefectx.equality.kinds import (
    Difference,
    Pair,
    Walk,
    Walker,
    each,
    subscript,
    value_difference,
    walk_attributes,
)


def walker_of(kind: type[Any]) -> Walker | None:
    """Return the walker for a type of a supported library; None for other types."""
    for base in kind.__mro__:
        library = base.__module__.partition(".")[0]
        if walker := _WALKERS.get(f"{library}.{base.__qualname__}"):
            return walker
    return None


def _parts(a: Any, b: Any, *names: str) -> Iterator[Pair]:
    for name in names:
        yield f".{name}", getattr(a, name, None), getattr(b, name, None)


def _forms(step: str, a: Any, b: Any) -> Walk:
    """Compare dtypes or shapes."""
    if hasattr(a, "categories") and hasattr(b, "categories"):
        # Dtypes of unordered categories are equal in any order.
        pairs = _parts(a, b, "ordered", "categories")
        return (yield from each((f"{step}{name}", x, y) for name, x, y in pairs))
    if a == b:
        # pandas treats all time zones for UTC as the same.
        return (yield f"{step}.tz", getattr(a, "tz", None), getattr(b, "tz", None))
    return Difference(step, a, b, f"{_NAME.findall(step)[0]} {a}, not {b}")


def _lengths(a: Any, b: Any) -> Difference | None:
    return value_difference(a, b, f"length {len(a)}, not {len(b)}") if len(a) != len(b) else None


# numpy


def _walk_array(a: Any, b: Any) -> Walk:
    for what in ("dtype", "shape"):
        if found := (yield from _forms(f".{what}", getattr(a, what), getattr(b, what))):
            return found
    if found := (yield from each(_elements(a, b))):
        return found
    return (yield from walk_attributes(a, b))


def _walk_masked(a: Any, b: Any) -> Walk:
    import numpy.ma

    if found := (yield from each(_parts(a, b, "data", "fill_value"))):
        return found
    # pickle gives an array without a mask one that is all False.
    return (yield ".mask", numpy.ma.getmaskarray(a), numpy.ma.getmaskarray(b))


def _walk_scalar(a: Any, b: Any) -> Walk:
    import numpy

    if found := (yield from _forms(".dtype", a.dtype, b.dtype)):
        return found
    if a.dtype.names:
        return value_difference(a, b) if (yield "", numpy.asarray(a), numpy.asarray(b)) else None
    return None if _same(numpy.asarray(a), numpy.asarray(b)).all() else value_difference(a, b)


def _position(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index)) or '()'}]"


def _elements(a: Any, b: Any, at: Callable[[tuple[int, ...]], str] = _position) -> Iterator[Pair]:
    """Yield the elements to compare: all, or only the first that differs, if that is quick.

    Args:
        a: An array.
        b: Another, of the same dtype and shape.
        at: Returns the step of a path for a position.
    """
    import numpy

    a, b = numpy.asarray(a), numpy.asarray(b)
    if a.dtype.names:
        for name in a.dtype.names:
            yield partial(subscript, name), a[name], b[name]
    elif a.dtype.kind in "OT":
        for index in numpy.ndindex(a.shape):
            yield partial(at, index), a[index], b[index]
    elif len(differing := numpy.argwhere(~_same(a, b))):
        index = tuple(differing[0].tolist())
        yield partial(at, index), a[index], b[index]


def _same(a: Any, b: Any) -> Any:
    """Return an array of bool: True for elements that are equal, with signs, or both NaN."""
    import numpy

    kind = a.dtype.kind
    if kind == "c":
        return _same(a.real, b.real) & _same(a.imag, b.imag)
    if kind == "f":
        same = (a == b) & (numpy.signbit(a) == numpy.signbit(b))
        return same | (numpy.isnan(a) & numpy.isnan(b))
    return (a == b) | (numpy.isnat(a) & numpy.isnat(b)) if kind in "mM" else a == b


# pandas


def _walk_frame(a: Any, b: Any) -> Walk:
    if found := (yield from each(_parts(a, b, "columns", "index"))):
        return found
    types = zip(a.dtypes, b.dtypes, strict=True)
    for number, (left, right) in enumerate(types):
        step = subscript(_label(a.columns, number))
        if found := (yield from _forms(f".dtypes{step}", left, right)):
            return found
        column = step if a.columns.is_unique else f".iloc[:, {number}]"
        at = partial(_row, a.index, column)
        if found := (yield from _cells(a.iloc[:, number], b.iloc[:, number], at)):
            return found
    return (yield from _notes(a, b))


def _walk_series(a: Any, b: Any) -> Walk:
    if found := (yield from each(_parts(a, b, "name", "index"))):
        return found
    if found := (yield from _forms(".dtype", a.dtype, b.dtype)):
        return found
    if found := (yield from _cells(a, b, partial(_row, a.index, ""))):
        return found
    return (yield from _notes(a, b))


def _walk_index(a: Any, b: Any) -> Walk:
    if found := _lengths(a, b):
        return found
    if found := (yield ".names", list(a.names), list(b.names)):
        return found
    if a.nlevels > 1 or b.nlevels > 1:
        return (yield from _levels(a, b))
    if found := (yield from each(_parts(a, b, "freqstr"))):
        return found
    return (yield from _walk_column(a, b))


def _levels(a: Any, b: Any) -> Walk:
    return each(
        (f".get_level_values({level})", a.get_level_values(level), b.get_level_values(level))
        for level in range(a.nlevels)
    )


def _walk_column(a: Any, b: Any) -> Walk:
    """Compare an index or an extension array of pandas."""
    if found := _lengths(a, b) or (yield from _forms(".dtype", a.dtype, b.dtype)):
        return found
    return (yield from _cells(a, b, _position))


def _cells(a: Any, b: Any, at: Callable[[tuple[int, ...]], str]) -> Walk:
    left, right = _codes(a), _codes(b)
    if left is not None and right is not None and (left == right).all():
        return None
    return (yield from each(_elements(_plain(a), _plain(b), at)))


def _codes(column: Any) -> Any:
    """Return the integers that represent a column with a known dtype, if it has any."""
    values = getattr(column, "array", column)
    return getattr(values, "codes", getattr(values, "asi8", None))


def _plain(column: Any) -> Any:
    # Only pandas' own dtypes have a `construct_from_string`.
    return column.astype(object) if hasattr(column.dtype, "construct_from_string") else column


def _row(index: Any, column: str, position: tuple[int, ...]) -> str:
    (number,) = position
    row = subscript(_label(index, number)) if index.is_unique else f".iloc[{number}]"
    return column + row


def _label(index: Any, number: int) -> object:
    """Return a label as a Python object: 3, not np.int64(3)."""
    return index[number : number + 1].tolist()[0]


def _notes(a: Any, b: Any) -> Walk:
    """Compare the metadata of frames."""
    names = [name for name in a._metadata if name != "_name"]
    return (yield from each(_parts(a, b, "attrs", *names)))


# polars and pyarrow


def _walk_polars_frame(a: Any, b: Any) -> Walk:
    if found := (yield ".columns", a.columns, b.columns):
        return found
    pairs = ((partial(subscript, name), a[name], b[name]) for name in a.columns)
    return _lengths(a, b) or (yield from each(pairs))


def _walk_polars_series(a: Any, b: Any) -> Walk:
    if found := (yield ".name", a.name, b.name):
        return found
    if found := _lengths(a, b) or (yield from _forms(".dtype", a.dtype, b.dtype)):
        return found
    return (yield from _walk_elements(a, b, a.dtype))


def _walk_arrow_table(a: Any, b: Any) -> Walk:
    if found := (yield ".schema", a.schema, b.schema):
        return found
    pairs = ((f".column({n})", a.column(n), b.column(n)) for n in range(a.num_columns))
    return _lengths(a, b) or (yield from each(pairs))


def _walk_arrow_array(a: Any, b: Any) -> Walk:
    if found := _lengths(a, b) or (yield from _forms(".type", a.type, b.type)):
        return found
    return (yield from _walk_elements(a, b, a.type))


def _walk_elements(a: Any, b: Any, dtype: object) -> Walk:
    """Compare the elements one by one, unless the library can tell that they are equal."""
    # Both libraries treat -0.0 as 0.0.
    if not _INEXACT.search(str(dtype)) and a.equals(b):
        return None
    left, right = (list(x.to_pylist() if hasattr(x, "to_pylist") else x.to_list()) for x in (a, b))
    pairs = zip(left, right, strict=True)
    return (yield from each((f"[{index}]", x, y) for index, (x, y) in enumerate(pairs)))


def _walk_arrow_scalar(a: Any, b: Any) -> Walk:
    if found := (yield from _forms(".type", a.type, b.type)):
        return found
    return value_difference(a, b) if (yield "", a.as_py(), b.as_py()) else None


def _walk_arrow_schema(a: Any, b: Any) -> Difference | None:
    return None if a.equals(b, check_metadata=True) else value_difference(a, b, "another schema")


_NAME: Final = re.compile("dtype|type|shape")
_INEXACT: Final = re.compile("float|double|object", re.IGNORECASE)

_WALKERS: Final[dict[str, Walker]] = {
    "numpy.generic": _walk_scalar,
    "numpy.ndarray": _walk_array,
    "numpy.MaskedArray": _walk_masked,
    "pandas.DataFrame": _walk_frame,
    "pandas.Series": _walk_series,
    "pandas.Index": _walk_index,
    "pandas.ExtensionArray": _walk_column,
    "polars.DataFrame": _walk_polars_frame,
    "polars.Series": _walk_polars_series,
    "pyarrow.Array": _walk_arrow_array,
    "pyarrow.ChunkedArray": _walk_arrow_array,
    "pyarrow.RecordBatch": _walk_arrow_table,
    "pyarrow.Scalar": _walk_arrow_scalar,
    "pyarrow.Schema": _walk_arrow_schema,
    "pyarrow.Table": _walk_arrow_table,
}
