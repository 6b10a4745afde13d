"""Fixtures for stores: a current folder for targets, and a PostgreSQL server if there is one."""

from __future__ import annotations

import os
import threading
import uuid
from typing import TYPE_CHECKING

import pytest

from prefectx.stores import SQLStore
from prefectx.stores.locks.waiting import Pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_prefectx import Targets

URL = "PREFECTX_TEST_POSTGRESQL"


@pytest.fixture
def folder(tmp_target: Targets) -> Path:
    """A fresh current folder for targets."""
    return tmp_target.path


@pytest.fixture(scope="session")
def postgresql_url() -> str:
    """The URL of a PostgreSQL server, as tools/postgresql.sh prints it."""
    if URL not in os.environ:
        pytest.skip(f"{URL} is not set: see tools/postgresql.sh")
    return os.environ[URL]


@pytest.fixture
def postgresql(postgresql_url: str) -> Iterator[SQLStore]:
    """A store in a table of its own."""
    import sqlalchemy as sql

    table = f"targets_{uuid.uuid4().hex[:8]}"
    yield SQLStore(postgresql_url, table=table)
    engine = sql.create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(sql.text(f"DROP TABLE IF EXISTS {table}"))
    engine.dispose()


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set as soon as somebody in this process waits for a lock."""
    event = threading.Event()
    pause = Pauses.pause

    def noted(self: Pauses, holder: Callable[[], str]) -> None:
        event.set()
        pause(self, holder)

    monkeypatch.setattr(Pauses, "pause", noted)
    return event
