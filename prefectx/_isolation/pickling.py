"""Pickles of calls for a child, and of what they give back: by name, or else by value."""

from __future__ import annotations

import pickle
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable


def pickled(value: Any, what: str) -> bytes:
    """Return the pickle of a value.

    Args:
        value: The value.
        what: What an error calls it.

    Raises:
        UnsupportedValue: It cannot be pickled.
    """
    try:
        content: bytes = _pickler().dumps(value)
    except Exception as error:
        msg = (
            f"{what} cannot be sent between processes, as isolate=True needs it: {error}. Functions"
            ' and classes of scripts need cloudpickle for it: pip install "prefectx[pickle]"'
        )
        raise UnsupportedValue(msg) from error
    return content


def _pickler() -> Any:
    try:
        return import_module("cloudpickle")
    except ModuleNotFoundError:
        return pickle


def restore_main_module(function: Callable[..., Any]) -> None:
    """Let what a script has defined be found in this process's `__main__`, as it was there.

    Args:
        function: A function that came by value, with what it names.
    """
    if function.__module__ in {"__main__", "__mp_main__"}:
        vars(sys.modules["__main__"]).update(function.__globals__)
