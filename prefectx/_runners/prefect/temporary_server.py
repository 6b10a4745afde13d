"""Prefect's server for this process alone: started when there is no other, ended with it."""

from __future__ import annotations

import atexit
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from prefect.settings import (
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE,
    PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL,
    get_current_settings,
    temporary_settings,
)

from prefectx._runners.prefect import server_process
from prefectx.errors import ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

# The first start in a home makes the database: on a busy machine that alone can take a minute.
_START_SECONDS: Final = 120
_RECORD_SECONDS: Final = 300.0
_STUCK_SECONDS: Final = 30.0
"""How long the server may take to record anything at all before the wait for it is over."""

_SAY_SECONDS: Final = 10.0
_KILL_SECONDS: Final = 5.0
_POLL: Final = 0.05
_LOG_LINES: Final = 30

_SETTINGS: Final[dict[Any, Any]] = {
    # It would be sent while the new database is still being made.
    PREFECT_SERVER_ANALYTICS_ENABLED: False,
    # With its own settings, the SQLite server loses a third of 5,000 task runs.
    PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE: 100,
    PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL: 1,
}

_ENVIRONMENT: Final = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}

_NOTHING_TOLD: Final[dict[str, Any]] = {"known": True, "reports": 0, "runs": 0, "names": []}

_log: Final = logging.getLogger("prefectx.api")


def startup_seconds() -> int:
    """Return how long to wait: 120 seconds, or what Prefect's setting says if that is longer."""
    chosen: int = PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value()
    return max(_START_SECONDS, chosen)


def _environment_of_others() -> dict[str, str]:
    # One of ours may have been there before this one.
    return {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}


class TemporaryServer:
    """A server in a child process, which records all that it was told before it is stopped.

    Its database is that of Prefect's settings. It has none of this process's streams: whoever waits
    for the end of what this process prints does not wait for the server.

    Args:
        port: The port to serve at; 0 for any.
    """

    def __init__(self, port: int = 0) -> None:
        self._folder: Final = Path(tempfile.mkdtemp(prefix="prefectx-server-"))
        # A fork of this process must not stop it.
        self._owner: Final = os.getpid()
        self._url: str | None = None
        self._process: Final = self._launched(port)
        atexit.register(self.stop)

    def _launched(self, port: int) -> subprocess.Popen[bytes]:
        options = {
            "folder": str(self._folder),
            "database": None,
            "template": None,
            "port": port,
            "records": True,
        }
        with temporary_settings(_SETTINGS), self._log_file.open("wb") as log:
            settings = get_current_settings().to_environment_variables(exclude_unset=True)
            return subprocess.Popen(  # noqa: S603 - our own child
                # -P: the script's folder must not be searched for modules.
                [sys.executable, "-P", server_process.__file__, json.dumps(options)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**_environment_of_others(), **_ENVIRONMENT, **settings},
                # Ctrl-C reaches this process alone, which has reports to send after that.
                start_new_session=True,
            )

    @property
    def url(self) -> str | None:
        """The address of its API once it has answered, as long as it is there."""
        return self._url if self._is_alive() else None

    @property
    def port(self) -> int:
        """The port that it has, or had; 0 if it never answered."""
        return 0 if self._url is None else urlsplit(self._url).port or 0

    def has_died_at(self, url: str) -> bool:
        """Tell whether this server had that address, and is gone."""
        return url == self._url and not self._is_alive()

    def wait(self) -> str:
        """Wait until it answers; return the address of its API.

        Raises:
            ServerUnreachable: It ended, or did not answer in time.
        """
        try:
            self._url = f"{self._outcome()}/api"
        except BaseException:
            self._end()
            raise
        return self._url

    def _outcome(self) -> str:
        limit, start = startup_seconds(), time.monotonic()
        outcome = self._folder / "outcome.json"
        while not outcome.exists():
            if not self._is_alive():
                reason = f"its process ended with code {self._process.returncode}"
                raise self._not_up(reason)
            if time.monotonic() - start > limit:
                reason = f"it did not answer within {limit} s"
                raise self._not_up(reason)
            time.sleep(_POLL)
        found: dict[str, str] = json.loads(outcome.read_text(encoding="utf-8"))
        if "error" in found:
            raise self._not_up(found["error"])
        return found["url"]

    def stop(self) -> None:
        """Wait until it has recorded what it was told, say what it has not, and end it."""
        if os.getpid() != self._owner or not self._folder.exists():
            return
        try:
            if self._url is not None and self._is_alive():
                with _interrupts() as interrupted:
                    self._let_it_record(interrupted)
        finally:
            self._end()

    def _let_it_record(self, interrupted: threading.Event) -> None:
        start = changed = said = time.monotonic()
        before, told = -1, _NOTHING_TOLD
        try:
            # A word, not only the end of the pipe: a fork of this process may hold that open.
            self._process.communicate(b"stop", timeout=_POLL)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            said -= _SAY_SECONDS
        try:
            while self._is_alive() and not interrupted.is_set():
                now = time.monotonic()
                told = self._told() or told
                if told["reports"] != before:
                    before, changed = told["reports"], now
                if now - start > _RECORD_SECONDS or now - changed > _STUCK_SECONDS:
                    break
                if told["reports"] and now - said > _SAY_SECONDS:
                    said = now
                    _log.warning(
                        "waiting until the temporary Prefect server has recorded %s reports of"
                        " task runs, for %.0f s at most; Ctrl-C ends the wait.",
                        f"{told['reports']:,}",
                        _RECORD_SECONDS - (now - start),
                    )
                time.sleep(_POLL)
        finally:
            self._say_what_is_missing(self._told() or told)

    def _told(self) -> dict[str, Any] | None:
        try:
            content = (self._folder / "recorded.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        told: dict[str, Any] = json.loads(content)
        return told

    def _say_what_is_missing(self, told: dict[str, Any]) -> None:
        if told["reports"]:
            _log.error(
                "the temporary Prefect server was stopped before it had recorded %s reports of %s"
                " task runs, such as %s: Prefect shows them as running, or not at all, although"
                " they have ended. Their outputs are in their targets all the same. A lasting"
                ' server goes on recording: start one with "prefect server start".',
                f"{told['reports']:,}",
                f"{told['runs']:,}",
                ", ".join(told["names"]),
            )
        elif not told["known"]:
            _log.warning(
                "the temporary Prefect server was stopped; whether it had recorded all task runs"
                " is not known with this version of Prefect."
            )

    def _is_alive(self) -> bool:
        return self._process.poll() is None

    def _end(self) -> None:
        self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.stop)

    @property
    def _log_file(self) -> Path:
        return self._folder / "server.log"

    def _not_up(self, reason: str) -> ServerUnreachable:
        lines = self._log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        said = "\n".join(lines[-_LOG_LINES:]) or "(it said nothing)"
        msg = (
            f"the temporary Prefect server did not come up: {reason}. Start one with"
            f' "prefect server start", or set PREFECT_API_URL. The end of its log:\n{said}'
        )
        return ServerUnreachable(msg)


@contextmanager
def _interrupts() -> Generator[threading.Event]:
    """Give an event that Ctrl-C sets, instead of raising in the middle of what is being said."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        # Python hands no signal to others.
        yield interrupted
        return

    def note(_signal: int, _frame: FrameType | None) -> None:
        interrupted.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


class _OneServer:
    """The temporary server of this process, if it has one."""

    def __init__(self) -> None:
        self._server: TemporaryServer | None = None
        self._lock: Final = threading.Lock()

    def url(self, instead_of: str) -> str:
        """Return the address of the server's API; start it unless it runs.

        Args:
            instead_of: Where a server was looked for, for the message.
        """
        with self._lock:
            if self._server is not None and (url := self._server.url) is not None:
                return url
            _log.warning(
                "no Prefect server: PREFECT_API_URL is not set and nothing answers at %s; starting"
                " a temporary one, which ends with this process, and waiting until it answers,"
                ' for %g s at most. Start a lasting one with "prefect server start".',
                instead_of,
                startup_seconds(),
            )
            # Where the one before was: Prefect's threads go on sending their reports there.
            self._server = TemporaryServer(0 if self._server is None else self._server.port)
            return self._server.wait()

    def has_died_at(self, url: str) -> bool:
        """Tell whether the temporary server had that address, and is gone."""
        return self._server is not None and self._server.has_died_at(url)


TEMPORARY_SERVER: Final = _OneServer()
