"""Stores that are as bad as a store can be, to see that the torture finds them."""

from __future__ import annotations

import os
from typing import Any
from unittest.mock import patch

from prefectx.stores import Filestore
from prefectx.stores.folders import atomic
from prefectx.stores.formats import format_of


class Tearing(Filestore):
    """Writes to the target itself."""

    def save(self, target: str, value: object) -> None:
        path = self.path(target)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            format_of(target).dump(value, file)


class Losing(Filestore):
    """Says that a target is saved when the one before it is."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.late: list[tuple[str, Any]] = []

    def save(self, target: str, value: object) -> None:
        self.late.append((target, value))
        if len(self.late) > 1:
            super().save(*self.late.pop(0))


class Littering(Filestore):
    """Never removes what a killed process has left."""

    def save(self, target: str, value: object) -> None:
        with patch.object(atomic, "sweep", id), patch.object(atomic, "nameless", lambda *_: None):
            super().save(target, value)
