"""Places: where a Filestore's bytes lie, by its root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefectx.stores.folders.local import LocalFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefectx.stores.folders.base import Place


_LOCAL: Final = ("file://", "local://")


def place_of(root: str, *, durable: bool, options: Mapping[str, Any]) -> Place:
    """Return the place that a root names: a folder, or by a URL what fsspec finds there."""
    if root.startswith(_LOCAL):
        return LocalFolder(root.partition("://")[2], durable=durable)
    if "://" in root:
        from prefectx.stores.folders.remote import RemoteFolder

        return RemoteFolder(root, options)
    return LocalFolder(root, durable=durable)
