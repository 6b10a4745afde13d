"""Port 4200, where Prefect looks for a server: sessions of tests on one machine share it."""

from __future__ import annotations

import fcntl
import socket
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

PORT: Final = 4200


@contextmanager
def _held(how: int) -> Generator[None]:
    with (Path(tempfile.gettempdir()) / f"prefectx-tests-port-{PORT}").open("w") as file:
        fcntl.flock(file, how)
        with closing(socket.socket()) as caller:
            if caller.connect_ex(("127.0.0.1", PORT)) == 0:
                pytest.skip(f"something listens at port {PORT} already")
        yield


@pytest.fixture
def usual_port() -> Generator[int]:
    """Have the port to oneself, and give its number."""
    with _held(fcntl.LOCK_EX):
        yield PORT


@pytest.fixture
def no_usual_server() -> Generator[None]:
    """See that no session of tests starts a server at the port."""
    with _held(fcntl.LOCK_SH):
        yield
