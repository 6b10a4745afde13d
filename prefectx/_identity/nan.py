"""One NaN for all: there are many, which Python code cannot distinguish."""

from __future__ import annotations

import math
import re
import struct
from typing import Any, Final

from prefectx._types import type_of

# A pickled NaN or infinity, or other bytes that look like one.
_MAYBE_NAN: Final = re.compile(rb"G([\x7f\xff][\xf0-\xff].{6})", re.DOTALL)
_NAN: Final = struct.pack(">d", math.nan)


def has_other_nan(pickled: bytes) -> bool:
    """Tell whether pickled data may hold a NaN with other bits than `math.nan`."""
    return any(map(_is_other_nan, _MAYBE_NAN.findall(pickled)))


def _is_other_nan(number: bytes) -> bool:
    return number != _NAN and math.isnan(struct.unpack(">d", number)[0])


def with_one_nan(value: Any) -> Any:
    """Return plain data with the bits of `math.nan` in each NaN."""
    kind = type_of(value)
    if kind is float:
        # Each a new object, or two keys of a dict would become one.
        return value if value == value else float("nan")  # noqa: PLR0124 - NaN alone is not itself
    if kind is dict:
        return {with_one_nan(key): with_one_nan(element) for key, element in value.items()}
    if kind is list:
        return [with_one_nan(element) for element in value]
    return tuple(map(with_one_nan, value)) if kind is tuple else value
