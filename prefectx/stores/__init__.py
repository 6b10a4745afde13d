"""Stores: where the outputs of tasks are stored."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from prefectx.stores.base import Store
from prefectx.stores.file import Filestore
from prefectx.stores.formats import register_format

if TYPE_CHECKING:
    from prefectx.stores.memory import MemoryStore
    from prefectx.stores.sql import SQLStore

__all__ = ["Filestore", "MemoryStore", "SQLStore", "Store", "register_format"]


# Imported when they are first used: SQLAlchemy takes long to import, and most do without it. The
# last two are what pickles name; nobody else needs them.
_LATER = {
    "SQLStore": "prefectx.stores.sql",
    "MemoryStore": "prefectx.stores.memory",
    "SelfWritten": "prefectx.stores.self_written",
    "script_object": "prefectx.stores.formats.script_objects",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
