"""Classes and functions of a script or a notebook, which no other process can import.

They are pickled by value, with cloudpickle, and also by name: where the same script runs, or
another session of a notebook, the class that is there is taken, so that `isinstance` holds.
"""

from __future__ import annotations

import pickle
import sys
from importlib import import_module
from typing import Any, Final

from prefectx._settings.script import MAINS, find_in_main, main_file, script
from prefectx.errors import MissingExtra

_INSTALL: Final = 'pip install "prefectx[pickle]"'


def reduced_script_object(found: Any) -> Any:
    """Return how pickle shall keep a class or a function; NotImplemented for as ever.

    Args:
        found: A class or a function.
    """
    name = found.__qualname__
    if found.__module__ not in MAINS:
        return NotImplemented
    here = find_in_main(name)
    # In a worker, a class that the task's function does not name has come with its arguments.
    if here is not found and (here is not None or script.get() is None):
        return NotImplemented
    return (script_object, (main_file(), name, _by_value(found)))


def script_object(file: str | None, name: str, content: bytes | str) -> Any:
    """Return a class or a function of a script: the one that is here, else the one that was there.

    Args:
        file: The script's path; None for a notebook or the interpreter's prompt.
        name: Its qualified name.
        content: Itself, or why it could not be stored by value.

    Raises:
        MissingExtra: It is not here, and cloudpickle was or is missing.
    """
    if file == main_file() and (here := find_in_main(name)) is not None:
        return here
    where = f"{name!r}, which {file or 'a notebook'} defines,"
    if isinstance(content, str):
        msg = f"{where} is not here, and {content}. Define it in a module that can be imported"
        raise MissingExtra(msg)
    try:
        return pickle.loads(content)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "cloudpickle":
            raise
        msg = f"{where} was stored by value, which needs cloudpickle: {_INSTALL}"
        raise MissingExtra(msg) from error


# Pickles name it so, and hold when modules move.
script_object.__module__ = "prefectx.stores"


def _by_value(found: Any) -> bytes | str:
    try:
        cloudpickle: Any = import_module("cloudpickle")
    except ModuleNotFoundError:
        return f"cloudpickle was not installed where it was saved: {_INSTALL}"
    try:
        if found.__module__ != "__main__":
            # cloudpickle knows the one name, and would look for the other where it is not.
            cloudpickle.register_pickle_by_value(sys.modules[found.__module__])
        content: bytes = cloudpickle.dumps(found)
    except Exception as error:  # noqa: BLE001 - by name it can be kept all the same
        return f"it could not be stored by value: {error}"
    return content
