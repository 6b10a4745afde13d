"""Places: where a Filestore's bytes lie, by its root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefectx.stores.places.local import LocalFolder

if TYPE_CHECKING:
    from prefectx.stores.places.base import Place


def place_of(root: str, *, durable: bool) -> Place:
    """Return the place that a root names: a folder, or by a URL what fsspec finds there."""
    if "://" in root:
        from prefectx.stores.places.remote import RemoteFolder

        return RemoteFolder(root, durable=durable)
    return LocalFolder(root, durable=durable)
