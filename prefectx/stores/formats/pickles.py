"""Pickle: any Python value, by the code that made it."""

from __future__ import annotations

import pickle
from types import FunctionType
from typing import IO, Any, Final

from prefectx._types import type_of
from prefectx.errors import UnsupportedValue
from prefectx.stores.formats.format import Format
from prefectx.stores.formats.script_objects import reduced_script_object
from prefectx.stores.formats.signing import Pickled


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        kind: type[Any] = type_of(obj)
        if issubclass(kind, type | FunctionType):
            return reduced_script_object(obj)
        if issubclass(kind, BaseException) and kind.__module__ != "builtins":
            _check_survives(obj)
        return NotImplemented


def _check_survives(error: BaseException) -> None:
    """Raise `UnsupportedValue` for an exception that cannot be made again from its arguments."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception as why:
        name = type(error).__qualname__
        msg = (
            f"an exception of type {name} can be pickled, but not unpickled: {why}. Let its"
            " __init__ pass all of its arguments to super().__init__, or give it a __reduce__"
        )
        raise UnsupportedValue(msg) from why


def _dump_pickle(value: Any, file: IO[bytes]) -> None:
    try:
        _Pickler(file, protocol=5).dump(value)
    except UnsupportedValue:
        raise
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        msg = f"a value of type {type(value).__qualname__} cannot be pickled: {error}"
        raise UnsupportedValue(msg) from error


_SIGNED: Final = Pickled(pickle.load, _dump_pickle)

PICKLE: Final = Format(_SIGNED.load, _SIGNED.dump, runs_code=True)
