"""Stores: who keeps the outputs of tasks."""

from prefectx.stores.base import Store
from prefectx.stores.file import Filestore
from prefectx.stores.formats import register_format

__all__ = ["Filestore", "Store", "register_format"]
