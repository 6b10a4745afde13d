"""A temporary Prefect server: started if there is no other, and stopped with this process."""

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
from prefectx._words import counted
from prefectx.errors import ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

# The first start creates the database: on a busy machine that alone can take a minute.
_START_SECONDS: Final = 120
_RECORD_SECONDS: Final = 300.0
_STUCK_SECONDS: Final = 30.0
"""The maximal time, in seconds, without any progress in recording."""

_SAY_SECONDS: Final = 10.0
_KILL_SECONDS: Final = 5.0
_POLL: Final = 0.05
_LOG_LINES: Final = 30

_SETTINGS: Final[dict[Any, Any]] = {
    # Analytics would be sent while the new database is still being created.
    PREFECT_SERVER_ANALYTICS_ENABLED: False,
    # With the default settings, the SQLite server loses a third of 5,000 task runs.
    PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE: 100,
    PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL: 1,
}

_ENVIRONMENT: Final = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}

_NOTHING_MISSING: Final[dict[str, Any]] = {"known": True, "reports": 0, "runs": 0, "names": []}

_log: Final = logging.getLogger("prefectx.api")


def startup_seconds() -> int:
    """Return the time to wait for a start: 120 seconds, or Prefect's setting if that is longer."""
    chosen: int = PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value()
    return max(_START_SECONDS, chosen)


def _environment_of_others() -> dict[str, str]:
    # It may be the address of an earlier temporary server.
    return {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}


class TemporaryServer:
    """A server in a child process, which records all reports before it is stopped.

    Its database is that of Prefect's settings. It does not inherit this process's streams: a reader
    of this process's output does not wait for the server.

    Args:
        port: The port to serve at; 0 for any.
    """

    def __init__(self, port: int = 0) -> None:
        self._folder: Final = Path(tempfile.mkdtemp(prefix="prefectx-server-"))
        # A fork of this process must not stop it.
        self._owner: Final = os.getpid()
        self._url: str | None = None
        self._process: Final = self._launch(port)
        atexit.register(self.stop)

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
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
                # Ctrl-C must not reach the server: this process still sends reports after that.
                start_new_session=True,
            )

    @property
    def url(self) -> str | None:
        """The address of its API while it runs, after it has answered; otherwise None."""
        return self._url if self._is_alive() else None

    @property
    def port(self) -> int:
        """Its present or former port; 0 if it never answered."""
        return 0 if self._url is None else urlsplit(self._url).port or 0

    def has_died_at(self, url: str) -> bool:
        """Tell whether this server had that address, and has ended."""
        return url == self._url and not self._is_alive()

    def wait(self) -> str:
        """Wait until it answers; return the address of its API.

        Raises:
            ServerUnreachable: The server ended, or did not answer in time.
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
                raise self._startup_error(reason)
            if time.monotonic() - start > limit:
                reason = f"it did not answer within {limit} s"
                raise self._startup_error(reason)
            time.sleep(_POLL)
        found: dict[str, str] = json.loads(outcome.read_text(encoding="utf-8"))
        if "error" in found:
            raise self._startup_error(found["error"])
        return found["url"]

    def stop(self) -> None:
        """Wait until the server has recorded all reports, log what is missing, and stop it."""
        if os.getpid() != self._owner or not self._folder.exists():
            return
        try:
            if self._url is not None and self._is_alive():
                with _interrupts() as interrupted:
                    self._wait_for_recording(interrupted)
        finally:
            self._end()

    def _wait_for_recording(self, interrupted: threading.Event) -> None:
        start = changed = said = time.monotonic()
        before, summary = -1, _NOTHING_MISSING
        try:
            # A word, because a fork of this process may hold the pipe open.
            self._process.communicate(b"stop", timeout=_POLL)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            said -= _SAY_SECONDS
        try:
            while self._is_alive() and not interrupted.is_set():
                now = time.monotonic()
                summary = self._read_summary() or summary
                if summary["reports"] != before:
                    before, changed = summary["reports"], now
                if now - start > _RECORD_SECONDS or now - changed > _STUCK_SECONDS:
                    break
                if summary["reports"] and now - said > _SAY_SECONDS:
                    said = now
                    _log.warning(
                        "waiting at most %.0f s until the temporary Prefect server has recorded %s"
                        " of task runs; Ctrl-C ends the wait.",
                        _RECORD_SECONDS - (now - start),
                        counted(summary["reports"], "report"),
                    )
                time.sleep(_POLL)
        finally:
            self._report_missing(self._read_summary() or summary)

    def _read_summary(self) -> dict[str, Any] | None:
        try:
            content = (self._folder / "recorded.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        summary: dict[str, Any] = json.loads(content)
        return summary

    def _report_missing(self, summary: dict[str, Any]) -> None:
        if summary["reports"]:
            _log.error(
                "the temporary Prefect server was stopped before it had recorded %s of %s,"
                " such as %s. Prefect shows them as running, or not at all, although"
                " they have ended. Their outputs are in their targets. A permanent server would go"
                ' on recording: start one with "prefect server start".',
                counted(summary["reports"], "report"),
                counted(summary["runs"], "task run"),
                ", ".join(summary["names"]),
            )
        elif not summary["known"]:
            _log.warning(
                "the temporary Prefect server was stopped. With this version of Prefect, prefectx"
                " does not know whether it had recorded all task runs."
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

    def _startup_error(self, reason: str) -> ServerUnreachable:
        lines = self._log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        end = "\n".join(lines[-_LOG_LINES:]) or "(empty)"
        msg = (
            f"the temporary Prefect server did not start: {reason}. Start a server with"
            f' "prefect server start", or set PREFECT_API_URL. The end of its log:\n{end}'
        )
        return ServerUnreachable(msg)


@contextmanager
def _interrupts() -> Generator[threading.Event]:
    """Yield an event that Ctrl-C sets, instead of raising KeyboardInterrupt."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread can set signal handlers.
        yield interrupted
        return

    def note(_signal: int, _frame: FrameType | None) -> None:
        interrupted.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


class _SharedServer:
    """The temporary server of this process, if it has one."""

    def __init__(self) -> None:
        self._server: TemporaryServer | None = None
        self._lock: Final = threading.Lock()

    def url(self, instead_of: str) -> str:
        """Return the address of the server's API; start it if it does not run.

        Args:
            instead_of: The address that does not answer, for the message.
        """
        with self._lock:
            if self._server is not None and (url := self._server.url) is not None:
                return url
            _log.warning(
                "no Prefect server: PREFECT_API_URL is not set and nothing answers at %s. Starting"
                " a temporary one, which ends with this process, and waiting at most %g s until it"
                ' answers. Start a permanent one with "prefect server start".',
                instead_of,
                startup_seconds(),
            )
            # The same port as before: Prefect's threads go on sending their reports there.
            self._server = TemporaryServer(0 if self._server is None else self._server.port)
            return self._server.wait()

    def has_died_at(self, url: str) -> bool:
        """Tell whether the temporary server had that address, and has ended."""
        return self._server is not None and self._server.has_died_at(url)


TEMPORARY_SERVER: Final = _SharedServer()
