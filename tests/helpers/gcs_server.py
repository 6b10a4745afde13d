"""A server of Google Cloud Storage's protocol in a process of its own.

Run as a script it prints its port, serves, and ends when its standard input does.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

BUCKET = "bucket"


@contextmanager
def gcs_server() -> Generator[dict[str, Any]]:
    """Start a server with one bucket; give what a Filestore on it needs as `storage_options`."""
    with subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # It writes a traceback there whenever a client hangs up first.
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            port = int(process.stdout.readline())
            yield {"token": "anon", "endpoint_url": f"http://127.0.0.1:{port}", "project": "test"}
        finally:
            process.stdin.close()


def serve() -> None:
    """Serve until standard input ends."""
    from gcp_storage_emulator.server import create_server

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket=BUCKET)
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    serve()
