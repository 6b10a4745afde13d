"""Pickling of jobs and results: by name if possible, otherwise by value."""

from __future__ import annotations

import pickle
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable


def pickle_value(value: Any, what: str) -> bytes:
    """Return the pickle of a value.

    Args:
        value: The value.
        what: The value's description, for the error.

    Raises:
        UnsupportedValue: The value cannot be pickled.
    """
    try:
        content: bytes = _pickler().dumps(value)
    except Exception as error:
        msg = (
            f"{what} cannot be pickled, which isolate=True needs: {error}. For functions and"
            ' classes of scripts, install cloudpickle: pip install "prefectx[pickle]"'
        )
        raise UnsupportedValue(msg) from error
    return content


def _pickler() -> Any:
    try:
        return import_module("cloudpickle")
    except ModuleNotFoundError:
        return pickle


def restore_main_module(function: Callable[..., Any]) -> None:
    """Copy a script's globals to the `__main__` of this process.

    Args:
        function: A function of the script that was pickled by value.
    """
    if function.__module__ in {"__main__", "__mp_main__"}:
        vars(sys.modules["__main__"]).update(function.__globals__)
