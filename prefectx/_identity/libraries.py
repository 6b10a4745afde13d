"""Parts of values of optional libraries, for hashing: arrays, tables, models."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.attributes import attributes_of
from prefectx._identity.given_fields import FIELDS_SET, given_fields_count
from prefectx._identity.parts import Parts
from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx._identity.parts import Digest


def library_parts(value: Any) -> Digest | Parts | None:
    """Return the parts of a value of a supported library; None for other values."""
    for base in type_of(value).__mro__:
        library = base.__module__.partition(".")[0]
        if library in LIBRARIES:
            found = LIBRARIES[library](value)
            if found is not None:
                return found
    return None


def _of_numpy(value: Any) -> Digest | Parts | None:
    from prefectx._identity.arrays import numpy_parts

    return numpy_parts(value)


def _of_pandas(value: Any) -> Parts | None:
    from prefectx._identity.frames import pandas_parts

    return pandas_parts(value)


def _of_arrow(value: Any) -> Parts | None:
    from prefectx._identity.arrow import arrow_parts

    return arrow_parts(value)


def _of_polars(value: Any) -> Parts | None:
    from prefectx._identity.frames import polars_parts

    return polars_parts(value)


def _of_pydantic(value: Any) -> Parts | None:
    kind = type_of(value)
    if not is_plain_model(kind):
        return None
    attributes = attributes_of(value)
    if not given_fields_count():
        attributes.pop(FIELDS_SET, None)
    return Parts("model", (kind, attributes))


def is_plain_model(kind: type[Any]) -> bool:
    """Tell whether a class is a model of pydantic that pickle stores as pydantic does."""
    model = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    return (
        model is not None
        and issubclass(kind, model)
        and all(getattr(kind, name) is getattr(model, name) for name in _OF_MODELS)
    )


_OF_MODELS: Final = ("__getstate__", "__reduce__", "__reduce_ex__")

LIBRARIES: Final[dict[str, Callable[[Any], Digest | Parts | None]]] = {
    "numpy": _of_numpy,
    "pandas": _of_pandas,
    "polars": _of_polars,
    "pyarrow": _of_arrow,
    "pydantic": _of_pydantic,
}
