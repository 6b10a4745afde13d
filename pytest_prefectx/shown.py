"""Values, calls and tasks as short text, for messages."""

from __future__ import annotations

import inspect
import os
from reprlib import Repr
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_prefectx.trace import TaskCall

LONGEST: Final = 120

_short: Final = Repr()
_short.maxlevel = 4
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxfrozenset = _short.maxdict = 8
_short.maxstring = _short.maxother = LONGEST


def shown(value: object) -> str:
    """Return `value` as one line of bounded length."""
    text = " ".join(_short.repr(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def named(call: TaskCall) -> str:
    """Return the name of the task, with its class if it is a method."""
    return call.task.__qualname__.rpartition("<locals>.")[2]


def described(call: TaskCall) -> str:
    """Return which task was called, and where it is written."""
    function = inspect.unwrap(call.task.fn)
    file = os.path.basename(function.__code__.co_filename)
    return f"the task {named(call)} ({file}:{function.__code__.co_firstlineno})"
