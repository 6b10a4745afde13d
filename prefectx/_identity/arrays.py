"""How arrays are taken apart: by dtype, shape and values, wherever they lie in memory."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.attributes import attributes_of
from prefectx._identity.parts import Parts, leaf
from prefectx._types import type_of

if TYPE_CHECKING:
    from prefectx._identity.parts import Digest

# What a buffer says all of. The others: objects, texts of any length, records.
_SAID_BY_BUFFER: Final = "biufcmMSUV"
_SIZES_OF_FLOATS: Final = frozenset({"f2", "f4", "f8", "c8", "c16"})


def numpy_parts(value: Any) -> Digest | Parts | None:
    """Take an array or a scalar of numpy apart; return None for all else that is numpy's."""
    numpy: Any = import_module("numpy")

    kind = type_of(value)
    if kind is numpy.ndarray:
        return array_parts(value)
    if isinstance(value, numpy.ma.MaskedArray):
        # An array without a mask gets one of all False on its way through pickle.
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
    """Take an array of numpy's own type apart."""
    dtype, shape = array.dtype, array.shape
    if dtype.names is not None:
        # Between the fields lies what was there before.
        fields = [array[name] for name in dtype.names]
        return Parts("records", (dtype, tuple(shape), fields))
    if dtype.kind in _SAID_BY_BUFFER and not _is_odd_float(dtype):
        return leaf(f"array {dtype.str} {shape}", buffer_of(array))
    if _is_odd_float(dtype):
        # Of 16 bytes, 10 are used.
        return Parts("array", (dtype.str, tuple(shape), [repr(x) for x in array.ravel()]))
    return Parts("array", (dtype, tuple(shape), array.ravel().tolist()))


def buffer_of(array: Any) -> Any:
    """Return the memory of an array in C order, all NaNs alike: a copy only where it must be."""
    numpy: Any = import_module("numpy")

    flat = numpy.ascontiguousarray(array).reshape(-1)
    if flat.dtype.kind == "c":
        flat = flat.view(f"{flat.dtype.byteorder}f{flat.dtype.itemsize // 2}")
    if flat.dtype.kind == "f" and _has_nan(flat):
        # There are many NaNs, and computing gives others than `float("nan")`.
        flat = flat.copy()
        flat[numpy.isnan(flat)] = math.nan
    return flat.view("u1") if flat.size and flat.dtype.itemsize else b""


def _has_nan(flat: Any) -> bool:
    # The least of several numbers is none if one of them is none; looking at each takes longer.
    return flat.size > 0 and math.isnan(flat.min())


def _is_odd_float(dtype: Any) -> bool:
    return dtype.kind in "fc" and dtype.str[1:] not in _SIZES_OF_FLOATS
