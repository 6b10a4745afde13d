"""Stores: who keeps the outputs of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx.stores.base import Store
from prefectx.stores.file import Filestore
from prefectx.stores.formats import register_format

if TYPE_CHECKING:
    from prefectx.stores.memory import MemoryStore
    from prefectx.stores.sql import SQLStore

__all__ = ["Filestore", "MemoryStore", "SQLStore", "Store", "register_format"]


def __getattr__(name: str) -> Any:
    # SQLAlchemy takes long to import, and most do without it.
    if name == "SQLStore":
        from prefectx.stores.sql import SQLStore

        return SQLStore
    if name == "MemoryStore":
        from prefectx.stores.memory import MemoryStore

        return MemoryStore
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
