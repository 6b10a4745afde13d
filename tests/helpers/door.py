"""A door to a server: while it is shut, nobody answers, as if the server had died.

A doorman answers 503 instead, as a proxy does whose server has died.
"""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

LOCALHOST: Final = "127.0.0.1"
REFUSAL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class Door:
    """A port that leads to a server's port; open from the start.

    Attributes:
        port: Its number.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port: Final = server_port
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock: Final = threading.Lock()
        self._listener = socket.create_server((LOCALHOST, 0))
        self.port: Final[int] = self._listener.getsockname()[1]
        self._serve()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.shut()

    def shut(self) -> None:
        """Let no one in, and throw out who is inside."""
        with suppress(OSError):
            # Wakes the thread that accepts.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in (one for pair in self._pairs for one in pair):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Let everyone in again."""
        self._listener = socket.create_server((LOCALHOST, self.port))
        self._serve()

    def post_doorman(self) -> None:
        """Shut the door, and have everyone told that the server is not available."""
        self.shut()
        self._listener = socket.create_server((LOCALHOST, self.port))
        self._serve(self._refuse)

    def _serve(self, how: Callable[[socket.socket], None] | None = None) -> None:
        how = how or self._accept
        threading.Thread(target=how, args=(self._listener,), daemon=True).start()

    def _refuse(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                with caller, suppress(OSError):
                    caller.recv(1 << 16)
                    caller.sendall(REFUSAL)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                server = socket.create_connection((LOCALHOST, self._server_port))
                with self._lock:
                    self._pairs.append((caller, server))
                threading.Thread(target=_carry, args=(caller, server), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket) -> None:
    """Carry what each says to the other until either ends."""
    others = {one: other, other: one}
    with one, other, suppress(OSError):
        while True:
            for speaker in select.select(list(others), [], [])[0]:
                if not (said := speaker.recv(1 << 16)):
                    return
                others[speaker].sendall(said)
