"""Says so when much data travels with a call, and what it is."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any, Final

from prefectx.dask.serialize import pickled
from prefectx.errors import LargePayload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MUCH: Final = 1_000_000
"""Bytes."""


def surroundings(function: Callable[..., Any]) -> dict[str, Any]:
    """Return what a function names and does not make, which travels with it by value."""
    around = inspect.getclosurevars(function)
    return {**around.globals, **around.nonlocals}


def warn_if_large(content: bytes, what: str, parts: Mapping[str, Any]) -> None:
    """Warn if `content` is so large that the scheduler will suffer.

    Args:
        content: What is sent.
        what: What that is, for the message.
        parts: What it is made of, by name.
    """
    if len(content) <= _MUCH:
        return
    sizes = {name: _size(part) for name, part in parts.items()}
    name = max(sizes, key=lambda name: sizes[name], default="")
    cause = f", of which {name!r} is {_megabytes(sizes[name])}" if name else ""
    msg = (
        f"{what} takes {_megabytes(len(content))} on its way through Dask's scheduler{cause}."
        " Give the task an Item or a path and let it load the data itself; keep large globals in"
        " a module that workers can import."
    )
    warnings.warn(msg, LargePayload, stacklevel=4)


def _size(part: Any) -> int:
    try:
        return len(pickled(part))
    except Exception:  # noqa: BLE001 - a future, say, which is not what is large
        return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
