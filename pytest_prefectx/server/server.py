"""The ephemeral Prefect server: start, wait until it answers, stop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

STARTUP_TIMEOUT: Final = 120.0
STOP_TIMEOUT: Final = 60.0
LOG_TAIL: Final = 30

# Services that only permanent servers need; they would also write to the same SQLite file.
IDLE_SERVICES: Final = (
    "CANCELLATION_CLEANUP",
    "CLEANUP_RECONCILER",
    "EVENT_PERSISTER",
    "FOREMAN",
    "LATE_RUNS",
    "PAUSE_EXPIRATIONS",
    "REPOSSESSOR",
    "SCHEDULER",
    "TRIGGERS",
)


class Server:
    """A Prefect server in a child process, which ends with this process."""

    def __init__(self, folder: Path) -> None:
        """Start the server in the background; it writes below `folder` only."""
        home = folder / "server"
        folder.mkdir(mode=0o700, exist_ok=True)
        home.mkdir(exist_ok=True)
        database = home / "prefect.db"
        with log_of(folder).open("wb") as log:
            # A separate session, so that Ctrl-C reaches only pytest, which stops the server.
            self.process: Final = subprocess.Popen(  # noqa: S603 - our own child
                [*_command(), _options(folder, database)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=home,
                env=_environment(home, database),
                start_new_session=True,
            )
        self.folder: Final = folder

    def stop(self) -> None:
        """Let the server remove its folder and exit; kill it if it does not."""
        try:
            # A word, because a fork of this process may hold the pipe open.
            self.process.communicate(b"stop", STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def require_prefect() -> None:
    """Raise an error with the command to install Prefect, unless it is installed.

    Raises:
        prefectx.errors.MissingExtra: Prefect is not installed.
    """
    if not prefect_is_installed():
        from prefectx.errors import MissingExtra

        msg = (
            "the modes prefect.skip, prefect.cache and prefect need Prefect, which is not"
            ' installed: pip install "prefectx[prefect]"'
        )
        raise MissingExtra(msg)


def prefect_is_installed() -> bool:
    """Tell whether Prefect can be imported, without importing it."""
    return find_spec("prefect") is not None


def wait_for_url(folder: Path, server: Server | None, timeout: float = STARTUP_TIMEOUT) -> str:
    """Return the address of the server in `folder` as soon as it answers.

    Args:
        folder: The server's folder.
        server: The server, if this process has started it, to notice its death.
        timeout: The maximal time to wait, in seconds.

    Raises:
        RuntimeError: The server failed, or did not answer in time. The message has the end of its
            log.
    """
    outcome = folder / "outcome.json"
    start = time.monotonic()
    while not outcome.exists():
        if server is not None and (code := server.process.poll()) is not None:
            raise RuntimeError(_no_server(folder, f"its process ended with code {code}"))
        if time.monotonic() - start > timeout:
            raise RuntimeError(_no_server(folder, f"it did not answer within {timeout:g} s"))
        time.sleep(0.02)
    found = json.loads(outcome.read_text(encoding="utf-8"))
    if "error" in found:
        raise RuntimeError(_no_server(folder, found["error"]))
    return str(found["url"])


def log_of(folder: Path) -> Path:
    """Return the log file of the server in `folder`."""
    return folder / "server.log"


def cache_folder() -> Path:
    """Return the cache folder: `$PREFECTX_CACHE_DIR`, or the user's own."""
    if chosen := os.environ.get("PREFECTX_CACHE_DIR"):
        return Path(chosen).absolute()
    caches = os.environ.get("XDG_CACHE_HOME")
    return Path(caches or Path.home() / ".cache").absolute() / "prefectx"


def template() -> Path:
    """Return the file of the migrated, empty database, which each server copies."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache_folder() / f"prefect-{version('prefect')}-py{python}.db"


def _no_server(folder: Path, reason: str) -> str:
    said = log_of(folder).read_text(errors="replace") if log_of(folder).exists() else ""
    tail = "\n".join(said.splitlines()[-LOG_TAIL:]) or "(empty)"
    return f"the ephemeral Prefect server did not start: {reason}. The end of its log:\n{tail}"


def _command() -> list[str]:
    library = find_spec("prefectx")
    if library is None or library.origin is None:
        msg = "prefectx, of which this plugin is a part, cannot be found"
        raise RuntimeError(msg)
    script = Path(library.origin).parent / "_runners" / "prefect" / "server_process.py"
    # -P: the script's folder must not be searched for modules.
    return [sys.executable, "-P", str(script)]


def _options(folder: Path, database: Path) -> str:
    # records=False: the database is removed with the session, so late reports do not matter.
    paths = {"folder": folder, "database": database, "template": template()}
    numbers: dict[str, str | int] = {"port": 0, "records": False}
    return json.dumps({name: str(path) for name, path in paths.items()} | numbers)


def _environment(home: Path, database: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    return {
        **kept,
        "DO_NOT_TRACK": "1",
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}",
        "PREFECT_API_DATABASE_MIGRATE_ON_START": "false",
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # With the defaults the recorder falls behind and drops task runs for good.
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_UI_ENABLED": "false",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
        **{f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in IDLE_SERVICES},
    }
