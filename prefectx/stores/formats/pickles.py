"""Pickle: any Python value, by the code that made it."""

from __future__ import annotations

import pickle
from typing import IO, Any, Final

from prefectx.errors import UnsupportedValue
from prefectx.stores.formats.format import Format


def _dump_pickle(value: Any, file: IO[bytes]) -> None:
    try:
        pickle.dump(value, file, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        msg = f"a value of type {type(value).__qualname__} cannot be pickled: {error}"
        raise UnsupportedValue(msg) from error


PICKLE: Final = Format(pickle.load, _dump_pickle, runs_code=True)
