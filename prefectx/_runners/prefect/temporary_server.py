"""Prefect's temporary server, waited for until it answers or has died."""

from __future__ import annotations

import atexit
import time
from typing import Final

import httpx
from prefect.logging import get_logger
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS

from prefectx.errors import ServerUnreachable

# The first start in a home makes the database: on a busy machine that alone can take a minute.
_SECONDS: Final = 120
_POLL: Final = 0.1
_REQUEST_SECONDS: Final = 5.0

_log: Final = get_logger()


def startup_seconds() -> int:
    """Return how long to wait: 120 seconds, or what Prefect's setting says if that is longer."""
    chosen: int = PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value()
    return max(_SECONDS, chosen)


class TemporaryServer(SubprocessASGIServer):
    """Started as Prefect starts it, which gives up after 20 seconds, dead or not."""

    def start(self, timeout: int | None = None) -> None:
        """Start the server unless it runs, and wait until it answers.

        Args:
            timeout: How many seconds to wait at most: by default `startup_seconds()`.

        Raises:
            ServerUnreachable: It ended, or did not answer in time.
        """
        if self.running:
            return
        atexit.register(self.stop)
        try:
            self._start(timeout or startup_seconds())
        except BaseException:
            self.stop()
            raise
        self.running = True

    def _start(self, timeout: int) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.port = self.find_available_port()
            _log.info("Starting temporary server on %s", self.address)
            self.server_process = process = self._run_uvicorn_command()
            while (code := process.poll()) is None and time.monotonic() < deadline:
                if self._answers():
                    return
                time.sleep(_POLL)
            # Someone may have taken the port since it was found: then another one will do.
            if code is not None and self.is_port_available(self.port):
                reason = f"its process ended with code {code}, and what it wrote stands above"
                raise _not_up(reason)
        reason = f"it did not answer at {self.address} within {timeout} s"
        raise _not_up(reason)

    def _answers(self) -> bool:
        try:
            answer = httpx.get(f"{self.api_url}/health", timeout=_REQUEST_SECONDS, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.is_success


def _not_up(reason: str) -> ServerUnreachable:
    msg = (
        f"the temporary Prefect server did not come up: {reason}. Start one with"
        ' "prefect server start", or set PREFECT_API_URL.'
    )
    return ServerUnreachable(msg)
