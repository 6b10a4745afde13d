"""What a pytest session holds: its modes, its folder and, when it is needed, its server."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pytest_prefectx.modes import Choice
    from pytest_prefectx.server.server import Server

PREFIX: Final = "prefectx-"

QUIET: Final = {"PREFECTX_SUMMARY": "off", "PREFECTX_ROOT": "."}
"""What holds in tests: flows do not say at their end what they did; outputs lie where tests are."""

# What would lead Prefect to the user's own profile, database or server.
LEADS_ASTRAY: Final = (
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "PREFECT_API_KEY",
    "PREFECT_API_URL",
    "PREFECT_LOCAL_STORAGE_PATH",
    "PREFECT_PROFILE",
    "PREFECT_PROFILES_PATH",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
)


class Session:
    """The state of the plugin for one pytest session, in this process.

    Attributes:
        choice: The enabled modes.
        folder: Where the server lives and Prefect keeps its files; made by whoever first needs it.
        server: The server, if it was started by this process.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice: Final = choice
        self.folder = _fresh_folder()
        self.server: Server | None = None
        self._controlled = False
        self._environment: Final = ExitStack()
        # Tests run thousands of flows, and in folders of their own, not in the project's.
        unset = {name: value for name, value in QUIET.items() if name not in os.environ}
        self._environment.enter_context(environment(unset))

    def join(self, folder: Path) -> None:
        """Share the folder, and the server in it, of the controller of pytest-xdist."""
        self.folder = folder
        self._controlled = True

    def isolate(self) -> None:
        """Turn Prefect, once imported, away from the user's own files and server."""
        # A worker of pytest-xdist inherits the home that its controller chose.
        inherited = Path(os.environ.get("PREFECT_HOME", ""))
        ours = inherited.name.startswith(PREFIX) and inherited.parent == self.folder.parent
        home = inherited if ours else self.folder
        self._environment.enter_context(environment(isolation(home)))

    def put_in_force(self, mode: str) -> None:
        """Let `mode` be in force up to the session's end, where no test's own is."""
        self._environment.enter_context(environment({"PREFECTX": mode}))

    @property
    def server_is_coming(self) -> bool:
        """Whether a server was started, or is asked for by any worker of pytest-xdist."""
        return self.server is not None or self._wish.exists()

    def ask_for_server(self) -> None:
        """Start the server in the background, or have the controller of pytest-xdist do it."""
        if self._controlled:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self._wish.touch()
        else:
            self._start()

    def grant_wish(self) -> None:
        """Start the server if a worker of pytest-xdist has asked for it."""
        if self.server is None and self._wish.exists():
            self._start()

    def ensure_server(self) -> None:
        """Start the server unless it is coming: nobody could foresee that it would be needed."""
        if not self.server_is_coming:
            if self._controlled:
                self.folder, self._controlled = _fresh_folder(), False
            self._start()

    def close(self) -> None:
        """Stop the server and put everything back."""
        if self.server is not None:
            self.server.stop()
        if not self._controlled and self.folder.exists():
            shutil.rmtree(self.folder)
        self._environment.close()

    @property
    def _wish(self) -> Path:
        return self.folder / "wanted"

    def _start(self) -> None:
        from pytest_prefectx.server.server import Server

        self.server = Server(self.folder)


def _fresh_folder() -> Path:
    # Named only: a session without Prefect makes none. Nobody can foresee the name.
    return Path(tempfile.gettempdir(), f"{PREFIX}{os.urandom(8).hex()}")


SESSION: Final = pytest.StashKey[Session]()


@contextmanager
def environment(changes: Mapping[str, str | None]) -> Generator[None]:
    """Set these environment variables, or unset those that are None; put all back afterwards."""
    before = {name: os.environ.get(name) for name in changes}
    _apply(changes)
    try:
        yield
    finally:
        _apply(before)


def _apply(changes: Mapping[str, str | None]) -> None:
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def isolation(home: Path) -> dict[str, str | None]:
    """Return the changes to the environment that keep Prefect in `home`."""
    return {
        **dict.fromkeys(LEADS_ASTRAY),
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(home),
        # Tasks may be called outside flows; what they log then is no mistake.
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
