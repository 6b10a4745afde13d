"""Parts of NumPy arrays, for hashing: dtype, shape and values, whatever the memory layout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.attributes import attributes_besides, attributes_of
from prefectx._identity.parts import Parts, leaf_of_many, library, text_leaf
from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefectx._identity.parts import Digest

# The kinds of dtype whose buffer holds the whole value. Others: objects, StringDType, records.
_BUFFER_KINDS: Final = "biufcmMSUV"
# Copies are made in pieces that stay in the processor's cache.
_PIECE: Final = 1 << 18
# Memory is read twice, for NaNs and for the hash; in pieces, so that the second time is cached.
_LOOKED_AT: Final = 1 << 21
_OF_MASKED_ARRAYS: Final = frozenset(
    {
        *("_mask", "_hardmask", "_sharedmask", "_isfield", "_fill_value"),
        *("_baseclass", "_basedict", "_optinfo"),
    }
)
_SIZES_OF_FLOATS: Final = frozenset({"f2", "f4", "f8", "c8", "c16"})


def numpy_parts(value: Any) -> Digest | Parts | None:  # noqa: PLR0911 - one for each kind
    """Return the parts of a NumPy array or scalar; None for other objects of NumPy."""
    numpy: Any = library("numpy")

    kind = type_of(value)
    if kind is numpy.ndarray:
        notes = value.dtype.metadata
        found = array_parts(value)
        return Parts("noted array", (dict(notes), found)) if notes else found
    if value is numpy.ma.masked:
        return text_leaf("global", "numpy.ma.masked")
    if isinstance(value, numpy.ma.MaskedArray):
        # pickle gives an array without a mask one that is all False.
        mask = numpy.ma.getmaskarray(value)
        fill_value = numpy.asarray(value.fill_value)
        notes = (bool(value.hardmask), attributes_besides(value, _OF_MASKED_ARRAYS))
        return Parts("masked array", (kind, numpy.asarray(value.data), mask, fill_value, *notes))
    if isinstance(value, numpy.memmap):
        return Parts("memmap", (kind, numpy.asarray(value)))
    if isinstance(value, numpy.ndarray):
        return Parts("array", (kind, numpy.asarray(value), attributes_of(value)))
    if isinstance(value, numpy.generic):
        return Parts("scalar", (kind, numpy.asarray(value)))
    return None


def array_parts(array: Any) -> Digest | Parts:
    """Return the parts of an array whose type is exactly `numpy.ndarray`."""
    dtype, shape = array.dtype, array.shape
    if dtype.names is not None:
        # The padding between the fields is undefined.
        fields = [array[name] for name in dtype.names]
        return Parts("records", (dtype, tuple(shape), fields))
    if has_buffer(dtype):
        return leaf_of_many(f"array {dtype.str} {shape}", buffers_of(array))
    if _is_odd_float(dtype):
        # Only 10 of the 16 bytes are defined.
        return Parts("array", (dtype.str, tuple(shape), [repr(x) for x in array.ravel()]))
    return Parts("array", (dtype, tuple(shape), array.ravel().tolist()))


def has_buffer(dtype: Any) -> bool:
    """Tell whether the memory of an array with this dtype holds its values, and nothing else."""
    return dtype.kind in _BUFFER_KINDS and not _is_odd_float(dtype)


def buffers_of(array: Any) -> Iterator[Any]:
    """Yield the memory of an array in C order, with one NaN; copies only if necessary."""
    if not array.size or not array.dtype.itemsize:
        return
    if array.flags.c_contiguous:
        yield from _with_one_nan(array.reshape(-1))
        return
    numpy: Any = library("numpy")
    rows = max(1, _PIECE * len(array) // (array.size * array.itemsize))
    for start in range(0, len(array), rows):
        piece = numpy.ascontiguousarray(array[start : start + rows])
        yield from _with_one_nan(piece.reshape(-1))


def _with_one_nan(flat: Any) -> Iterator[Any]:
    dtype = flat.dtype
    if dtype.kind == "c":
        flat = flat.view(f"{dtype.byteorder}f{dtype.itemsize // 2}")
    if flat.dtype.kind != "f":
        yield flat.view("u1")
        return
    size = _LOOKED_AT // flat.itemsize
    for start in range(0, flat.size, size):
        piece = flat[start : start + size]
        if _has_nan(piece):
            yield from _with_usual_nan(piece)
        else:
            yield piece.view("u1")


def _with_usual_nan(flat: Any) -> Iterator[Any]:
    numpy: Any = library("numpy")
    # There are many NaNs, and computations give others than `float("nan")`.
    nan = numpy.array([math.nan], flat.dtype)
    bits = f"u{flat.itemsize}"
    size = _PIECE // flat.itemsize
    for start in range(0, flat.size, size):
        piece = flat[start : start + size]
        is_nan = numpy.isnan(piece)
        usual = numpy.count_nonzero(piece.view(bits) == nan.view(bits))
        if numpy.count_nonzero(is_nan) != usual:
            piece = piece.copy()
            piece[is_nan] = math.nan
        yield piece.view("u1")


def _has_nan(flat: Any) -> bool:
    # min is NaN if any number is NaN, and is quicker than isnan.
    return math.isnan(flat.min())


def _is_odd_float(dtype: Any) -> bool:
    return dtype.kind in "fc" and dtype.str[1:] not in _SIZES_OF_FLOATS
