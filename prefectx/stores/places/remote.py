"""`RemoteFolder`: files below any URL that fsspec knows."""

from __future__ import annotations

from prefectx.stores.places.local import LocalFolder


class RemoteFolder(LocalFolder):
    """To be written."""
