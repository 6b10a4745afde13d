"""The warning for a call that sends too much data."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any, Final

from prefectx.dask.serialize import dumps
from prefectx.errors import LargePayload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MUCH: Final = 1_000_000
"""The limit in bytes."""


def captured_values(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the globals and closure of a function, which are pickled with it by value."""
    around = inspect.getclosurevars(function)
    return {**around.globals, **around.nonlocals}


def warn_if_large(content: bytes, what: str, parts: Mapping[str, Any]) -> None:
    """Warn if `content` is too large for the scheduler.

    Args:
        content: The bytes to send.
        what: A description, for the message.
        parts: The parts by name.
    """
    if len(content) <= _MUCH:
        return
    sizes = {name: _size(part) for name, part in parts.items()}
    name = max(sizes, key=lambda name: sizes[name], default="")
    cause = f", of which {name!r} is {_megabytes(sizes[name])}" if name else ""
    msg = (
        f"{what} sends {_megabytes(len(content))} through Dask's scheduler{cause}. Pass an Item or"
        " a path to the task, which then loads the data itself; move large globals to a module"
        " that workers can import."
    )
    warnings.warn(msg, LargePayload, stacklevel=4)


def _size(part: Any) -> int:
    try:
        return len(dumps(part))
    except Exception:  # noqa: BLE001 - some parts cannot be pickled alone, such as futures
        return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
