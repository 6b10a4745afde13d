"""Examples of projects to run pytest in, away from the environment of this session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from example import Example

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def example(tmp_path: Path) -> Callable[..., Example]:
    """`example("def test_it(): ...", conftest="...")` makes a project; see `Example`."""

    def make(test_it: str = "", **files: Any) -> Example:
        return Example(tmp_path / "example", test_it, **files)

    return make
