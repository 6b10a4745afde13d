"""The comparison of a pandas frame with its copy, to the last bit."""

from __future__ import annotations

import datetime
import decimal
from itertools import chain, compress, count, islice
from operator import ne
from typing import TYPE_CHECKING, Any, Final

from prefectx._types import type_of
from prefectx._words import counted, with_article

if TYPE_CHECKING:
    from collections.abc import Iterator

# Values of these types are the same if type and value are equal, but for nan and -0.0.
_SIMPLE: Final = frozenset(
    {type(None), bool, int, float, str, bytes, datetime.date, datetime.timedelta}
)
# Values of these types are the same if type, value and text are: others may hide anything.
_PLAIN: Final = frozenset(
    {
        *(type(None), bool, int, float, str, bytes, decimal.Decimal),
        *(datetime.date, datetime.time, datetime.timedelta),
    }
)


def frame_change(old: Any, new: Any) -> str | None:
    """Say what of a frame would change, as in `"column 'a': row 3, 'NA', into nan"`; or None."""
    for what in ("columns", "index"):
        if found := _index_change(what, getattr(old, what), getattr(new, what)):
            return found
    # Most tables of numbers have one dtype, and can be compared as a whole.
    for number in () if _are_same_numbers(old, new) else range(old.shape[1]):
        if found := _column_change(old.iloc[:, number], new.iloc[:, number]):
            label = old.columns[number : number + 1].tolist()[0]
            return f"column {label!r}: {found}"
    if repr(old.attrs) != repr(new.attrs) or old.attrs != new.attrs:
        return f"attrs, {old.attrs!r}, into {new.attrs!r}"
    if old.flags != new.flags:
        return f"flags, {old.flags!r}, into {new.flags!r}"
    return None


def _are_same_numbers(old: Any, new: Any) -> bool:
    kinds = {*old.dtypes, *new.dtypes}
    if old.shape != new.shape or len(kinds) != 1 or not _is_number(kinds.pop()):
        return False
    left, right = old.to_numpy(), new.to_numpy()
    return _have_same_bits(left, right) or not _differing_numbers(left.ravel(), right.ravel())


def _is_number(dtype: Any) -> bool:
    return dtype.kind in "biufcmM" and not hasattr(dtype, "construct_from_string")


def _index_change(what: str, old: Any, new: Any) -> str | None:
    if type_of(old) is not type_of(new):
        kinds = (with_article(type_of(index).__name__) for index in (old, new))
        return f"{what}: {' into '.join(kinds)}"
    if len(old) != len(new) or old.nlevels != new.nlevels:
        return f"{what}: {counted(len(old), 'label')} into {len(new):,}"
    if not all(map(_is_same_cell, old.names, new.names)):
        return f"{what}: names {list(old.names)} into {list(new.names)}"
    if getattr(old, "freq", None) != getattr(new, "freq", None):
        return f"{what}: freq {old.freq} into {new.freq}"
    for level in range(old.nlevels):
        found = _column_change(old.get_level_values(level), new.get_level_values(level))
        if found:
            return f"{what}: {found}"
    return None


def _column_change(old: Any, new: Any) -> str | None:
    if found := _dtype_change(old.dtype, new.dtype):
        return found
    if len(old) != len(new):
        return f"{counted(len(old), 'row')} into {len(new):,}"
    rows = _differing(old, new)
    if not rows:
        return None
    before, after = (next(iter(column[rows[0] : rows[0] + 1])) for column in (old, new))
    return f"row {rows[0]}, {before!r}, into {after!r}"


def _dtype_change(old: Any, new: Any) -> str | None:
    tz, new_tz = getattr(old, "tz", None), getattr(new, "tz", None)
    if type_of(tz) is not type_of(new_tz) or str(tz) != str(new_tz):
        return f"time zone {tz!r} into {new_tz!r}"
    categories = getattr(old, "categories", None)
    if categories is not None and getattr(new, "categories", None) is not None:
        if old.ordered != new.ordered:
            return f"ordered={old.ordered} into {new.ordered}"
        return _index_change("categories", categories, new.categories)
    # A str may be kept in two ways, which dtypes do not show.
    same = old == new and repr(old) == repr(new)
    return None if same else f"dtype {old!r} into {new!r}"


def _differing(old: Any, new: Any) -> list[int]:
    """Return the first row that differs, if any does."""
    if _is_number(old.dtype):
        return _differing_numbers(old.to_numpy(), new.to_numpy())
    left, right = old.array, new.array
    for codes in ("codes", "asi8"):
        if hasattr(left, codes):
            return _differing_numbers(getattr(left, codes), getattr(right, codes))
    if old.dtype.kind in "biuf" and hasattr(old.dtype, "numpy_dtype"):
        return _differing_masked(left, right)
    if _is_same_text(left, right):
        return []
    # An array gives its cells one by one far more slowly than a list does.
    return _differing_cells(*(list(column.to_numpy(object)) for column in (left, right)))


def _differing_masked(old: Any, new: Any) -> list[int]:
    """Return the first row that differs of numbers of which some are missing."""
    kind = old.dtype.numpy_dtype
    return _differing_numbers(old.isna(), new.isna()) or _differing_numbers(
        *(column.to_numpy(kind, na_value=kind.type(0)) for column in (old, new))
    )


def _is_same_text(old: Any, new: Any) -> bool:
    """Tell whether two columns of Arrow texts are equal, without making cells."""
    # Both say how a missing text is shown.
    if not old.dtype.name.startswith(("str", "string")) or not hasattr(old, "__arrow_array__"):
        return False
    return bool(old.__arrow_array__().equals(new.__arrow_array__()))


def _differing_cells(old: list[Any], new: list[Any]) -> list[int]:
    kinds = list(map(type, old))
    if kinds == list(map(type, new)) and _SIMPLE.issuperset(kinds):
        # All at once; what is left are texts that are missing, and zeros.
        rows: Iterator[int] = compress(count(), map(ne, old, new))
        if float in kinds:
            zeros = (row for row, cell in enumerate(old) if cell == 0 and type(cell) is float)
            rows = chain(rows, zeros)
    else:
        rows = iter(range(len(old)))
    return sorted(islice((row for row in rows if not _is_same_cell(old[row], new[row])), 1))


def _have_same_bits(old: Any, new: Any) -> bool:
    """Tell at the cost of one look at each number whether all are the same, to the last bit."""
    if old.dtype != new.dtype or old.dtype.itemsize not in {1, 2, 4, 8}:
        return False
    bits = f"u{old.dtype.itemsize}"
    return bool((old.view(bits) == new.view(bits)).all())


def _differing_numbers(old: Any, new: Any) -> list[int]:
    import numpy as np

    if _have_same_bits(old, new):
        return []
    if old.dtype.kind == "c":
        return _differing_numbers(old.real, new.real) or _differing_numbers(old.imag, new.imag)
    if old.dtype.kind == "f":
        same = (old == new) & (np.signbit(old) == np.signbit(new))
        same |= np.isnan(old) & np.isnan(new)
    elif old.dtype.kind in "mM":
        same = (old == new) | (np.isnat(old) & np.isnat(new))
    else:
        same = old == new
    return [int(row) for row in np.flatnonzero(~same)[:1]]


def _is_same_cell(old: Any, new: Any) -> bool:
    kind = type_of(old)
    if kind is not type_of(new):
        return False
    if kind is tuple:
        return len(old) == len(new) and all(map(_is_same_cell, old, new))
    if kind is str:
        return bool(old == new)
    if kind is float or kind in _PLAIN:
        return repr(old) == repr(new)
    if kind.__module__.startswith("pandas."):
        # NaT, NA, Timestamp, Timedelta, Period, Interval: their repr is exact.
        return repr(old) == repr(new) and str(getattr(old, "tz", "")) == str(getattr(new, "tz", ""))
    return kind.__module__ == "numpy" and old.shape == () and repr(old) == repr(new)
