"""Folders: where a Filestore's bytes lie, by its root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefectx.stores.folders.local import LocalFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefectx.stores.folders.base import Folder


_LOCAL: Final = ("file://", "local://")


def folder_of(root: str, *, durable: bool, options: Mapping[str, Any]) -> Folder:
    """Return the folder that a root names: a local one, or by a URL what fsspec finds there."""
    if root.startswith(_LOCAL):
        return LocalFolder(root.partition("://")[2], durable=durable)
    if "://" in root:
        from prefectx.stores.folders.remote import RemoteFolder

        return RemoteFolder(root, options)
    return LocalFolder(root, durable=durable)
