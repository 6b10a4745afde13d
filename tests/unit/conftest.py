"""Fixtures of this folder: code that must run in a separate Python process, and an Item."""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from patience import PATIENCE

from prefectx import Item, item
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets


@pytest.fixture
def python() -> Callable[..., str]:
    """A callable that runs code in a fresh Python process and gives what it printed."""

    def run(code: str, *options: str, **variables: str) -> str:
        done = subprocess.run(
            [sys.executable, *options, "-c", dedent(code)],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def seven(tmp_target: Targets) -> Item[int]:
    """An Item of something that is there."""
    Filestore().save("in/seven", 7)
    return item("in/seven")
