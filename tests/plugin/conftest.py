"""A project to run pytest in, away from the environment of the session that runs these tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_prefectx.server import cache_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An empty project whose tests see no mode, no Prefect, a home of their own and no xdist."""
    cache = str(cache_folder())
    for name in tuple(os.environ):
        if name.startswith(("PREFECT", "PYTEST_XDIST")):
            monkeypatch.delenv(name)
    # Migrating a database takes far longer than all else: that is shared with the user's sessions.
    monkeypatch.setenv("PREFECTX_CACHE_DIR", cache)
    monkeypatch.setenv("TMPDIR", str(pytester.mkdir("tmp")))
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


@pytest.fixture
def leftovers(project: pytest.Pytester) -> Path:
    """The folder in which the project's tests make their temporary files."""
    return project.path / "tmp"
