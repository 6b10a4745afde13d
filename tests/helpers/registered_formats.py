"""The fixture `formats`, for tests that register a format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prefectx.stores.formats import _formats

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def formats() -> Iterator[None]:
    """What a test registers is forgotten afterwards."""
    before = dict(_formats)
    yield
    _formats.clear()
    _formats.update(before)
