"""The state of a pytest session: its modes, its folder and its server."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
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
"""Variables for all tests: flows print no report; outputs are in the test's current folder."""

# Variables that point Prefect to the user's own profile, database or server.
USERS_OWN: Final = (
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "PREFECT_API_KEY",
    "PREFECT_API_URL",
    "PREFECT_LOCAL_STORAGE_PATH",
    "PREFECT_PROFILE",
    "PREFECT_PROFILES_PATH",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
)


# Options of pytest with which not all that is collected runs.
_LEAVE_OUT: Final = (
    *("collectonly", "setupplan", "showfixtures", "show_fixtures_per_test"),
    *("keyword", "markexpr", "deselect", "lf", "stepwise"),
)


class Session:
    """The state of the plugin for one pytest session, in this process.

    Attributes:
        choice: The enabled modes.
        folder: The folder of the server and of Prefect's files; created at the first use.
        server: The server, if this process has started it.
        start: The time at which the session started.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice: Final = choice
        self.start = time.time()
        self.folder = _fresh_folder()
        self.server: Server | None = None
        self._controlled = False
        self._environment: Final = ExitStack()
        # Tests run thousands of flows, in separate folders and not in the project's.
        unset = {name: value for name, value in QUIET.items() if name not in os.environ}
        self._environment.enter_context(environment(unset))

    def join(self, folder: Path, start: float) -> None:
        """Use the folder, with the server, and the start of the controller of pytest-xdist."""
        self.folder, self.start = folder, start
        self._controlled = True

    def isolate(self) -> None:
        """Isolate Prefect from the user's own files and server."""
        # A worker of pytest-xdist inherits the home of its controller.
        inherited = Path(os.environ.get("PREFECT_HOME", ""))
        ours = inherited.name.startswith(PREFIX) and inherited.parent == self.folder.parent
        home = inherited if ours else self.folder
        self._environment.enter_context(environment(isolated_environment(home)))

    def set_mode(self, mode: str) -> None:
        """Set the mode outside tests until the session ends."""
        self._environment.enter_context(environment({"PREFECTX": mode}))

    @property
    def server_is_expected(self) -> bool:
        """True if a server was started, or if a worker of pytest-xdist has requested one."""
        return self.server is not None or self._request_file.exists()

    def ask_for_server(self) -> None:
        """Start the server in the background, or request it from the controller of pytest-xdist.

        It is done once, and only if Prefect is installed.
        """
        from pytest_prefectx.server.server import prefect_is_installed

        if self.server_is_expected or not prefect_is_installed():
            return
        if self._controlled:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self._request_file.touch()
        else:
            self._start()

    def start_requested_server(self) -> None:
        """Start the server if a worker of pytest-xdist has requested it."""
        if self.server is None and self._request_file.exists():
            self._start()

    def ensure_server(self) -> None:
        """Start the server unless it is expected: for tests that request it at run time."""
        if not self.server_is_expected:
            if self._controlled:
                self.folder, self._controlled = _fresh_folder(), False
            self._start()

    def close(self) -> None:
        """Stop the server and restore the environment."""
        if self.server is not None:
            self.server.stop()
        if not self._controlled and self.folder.exists():
            shutil.rmtree(self.folder)
        self._environment.close()

    @property
    def _request_file(self) -> Path:
        return self.folder / "wanted"

    def _start(self) -> None:
        from pytest_prefectx.server.server import Server

        self.server = Server(self.folder)


def runs_what_is_collected(config: pytest.Config) -> bool:
    """Tell whether no option is known to leave out collected items."""
    return not any(getattr(config.option, name, None) for name in _LEAVE_OUT)


def _fresh_folder() -> Path:
    # Not created yet, because a session without Prefect needs none. The name cannot be guessed.
    return Path(tempfile.gettempdir(), f"{PREFIX}{os.urandom(8).hex()}")


SESSION: Final = pytest.StashKey[Session]()


@contextmanager
def environment(changes: Mapping[str, str | None]) -> Generator[None]:
    """Set environment variables, or unset those that are None, within a `with` statement."""
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


def isolated_environment(home: Path) -> dict[str, str | None]:
    """Return the changes to the environment with which Prefect uses `home` only."""
    return {
        **dict.fromkeys(USERS_OWN),
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(home),
        # Tasks may be called, and may log, outside flows.
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
