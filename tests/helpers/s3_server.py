"""An S3 server of moto's in a process of its own, which tells what it was asked.

Run as a script it prints its port, serves, and ends when its standard input does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

ASKED = "/what-was-asked"


class S3Server:
    """A running server.

    Attributes:
        options: What a Filestore on it needs as `storage_options`.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.options: dict[str, Any] = {
            "key": "key",
            "secret": "secret",
            "client_kwargs": {
                "endpoint_url": f"http://127.0.0.1:{port}",
                "region_name": "eu-central-1",
            },
            "config_kwargs": {"retries": {"max_attempts": 1}, "connect_timeout": 5},
        }

    def asked(self) -> list[str]:
        """Return the method and the path of each request since this was last called."""
        found: list[str] = json.loads(self._ask("GET", ASKED))
        return found

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        self._ask("PUT", f"/{name}")

    def _ask(self, method: str, path: str) -> bytes:
        connection = HTTPConnection("127.0.0.1", self._port)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            assert answer.status == HTTPStatus.OK
            return answer.read()
        finally:
            connection.close()


@contextmanager
def s3_server() -> Generator[S3Server]:
    """Start a server; end it with the block."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield S3Server(int(process.stdout.readline()))
        finally:
            process.stdin.close()


def serve() -> None:
    """Serve until standard input ends."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    moto = DomainDispatcherApplication(create_backend_app)
    asked: list[str] = []
    # Moto closes an object that is replaced, also under a thread that reads it: S3 does not.
    one_at_a_time = threading.Lock()

    def noting(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == ASKED:
            answer, asked[:] = json.dumps(asked).encode(), []
            start_response("200 OK", [("Content-Length", str(len(answer)))])
            return [answer]
        path = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
        asked.append(f"{environ['REQUEST_METHOD']} {path}")
        with one_at_a_time, closing(moto(environ, start_response)) as answer:
            return list(answer)

    class Quiet(WSGIRequestHandler):
        def log(self, *_: object) -> None:
            pass

    server = make_server("127.0.0.1", 0, noting, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    serve()
