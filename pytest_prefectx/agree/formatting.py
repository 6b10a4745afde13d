"""Values, calls and tasks as short text, for messages."""

from __future__ import annotations

import inspect
import os
from itertools import islice
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyTask

LONGEST: Final = 120


class HasTask(Protocol):
    """A call of a task."""

    @property
    def task(self) -> AnyTask:
        """The task that was called."""
        ...


class _Short(Repr):
    """A `Repr` that keeps the order of a dict, which may be the difference."""

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        if not x or level <= 0:
            return "{...}" if x else "{}"
        shown = islice(x.items(), self.maxdict)
        parts = [f"{self.repr1(k, level - 1)}: {self.repr1(v, level - 1)}" for k, v in shown]
        return f"{{{', '.join(parts + ['...'] * (len(x) > self.maxdict))}}}"


_short: Final = _Short()
_short.maxlevel = 4
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxfrozenset = _short.maxdict = 8
_short.maxstring = _short.maxother = LONGEST


def short_text(value: object) -> str:
    """Return `value` as one line of bounded length."""
    try:
        text = " ".join(_short.repr(value).split())
    except Exception:  # noqa: BLE001 - an object's own code, or an int of too many digits
        text = f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def task_name(call: HasTask) -> str:
    """Return the name of the task, with its class if it is a method."""
    return call.task.__qualname__.rpartition("<locals>.")[2]


def task_text(call: HasTask) -> str:
    """Return the task of a call, with its file and line."""
    function = inspect.unwrap(call.task.fn)
    file = os.path.basename(function.__code__.co_filename)
    return f"the task {task_name(call)} ({file}:{function.__code__.co_firstlineno})"
