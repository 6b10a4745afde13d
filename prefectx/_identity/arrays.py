"""Parts of NumPy arrays, for hashing: dtype, shape and values, whatever the memory layout."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.attributes import attributes_of
from prefectx._identity.parts import Parts, leaf
from prefectx._types import type_of

if TYPE_CHECKING:
    from prefectx._identity.parts import Digest

# The kinds of dtype whose buffer holds the whole value. Others: objects, StringDType, records.
_BUFFER_KINDS: Final = "biufcmMSUV"
_SIZES_OF_FLOATS: Final = frozenset({"f2", "f4", "f8", "c8", "c16"})


def numpy_parts(value: Any) -> Digest | Parts | None:
    """Return the parts of a NumPy array or scalar; None for other objects of NumPy."""
    numpy: Any = import_module("numpy")

    kind = type_of(value)
    if kind is numpy.ndarray:
        return array_parts(value)
    if isinstance(value, numpy.ma.MaskedArray):
        # pickle gives an array without a mask one that is all False.
        mask = numpy.ma.getmaskarray(value)
        fill_value = numpy.asarray(value.fill_value)
        return Parts("masked array", (kind, numpy.asarray(value.data), mask, fill_value))
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
    if dtype.kind in _BUFFER_KINDS and not _is_odd_float(dtype):
        return leaf(f"array {dtype.str} {shape}", buffer_of(array))
    if _is_odd_float(dtype):
        # Only 10 of the 16 bytes are defined.
        return Parts("array", (dtype.str, tuple(shape), [repr(x) for x in array.ravel()]))
    return Parts("array", (dtype, tuple(shape), array.ravel().tolist()))


def buffer_of(array: Any) -> Any:
    """Return the memory of an array in C order with one NaN; a copy only if necessary."""
    numpy: Any = import_module("numpy")

    flat = numpy.ascontiguousarray(array).reshape(-1)
    if flat.dtype.kind == "c":
        flat = flat.view(f"{flat.dtype.byteorder}f{flat.dtype.itemsize // 2}")
    if flat.dtype.kind == "f" and _has_nan(flat):
        # There are many NaNs, and computations give others than `float("nan")`.
        flat = flat.copy()
        flat[numpy.isnan(flat)] = math.nan
    return flat.view("u1") if flat.size and flat.dtype.itemsize else b""


def _has_nan(flat: Any) -> bool:
    # min is NaN if any number is NaN, and is quicker than isnan.
    return flat.size > 0 and math.isnan(flat.min())


def _is_odd_float(dtype: Any) -> bool:
    return dtype.kind in "fc" and dtype.str[1:] not in _SIZES_OF_FLOATS
