"""Events of a program outside its process: files, connections, commands; by audit hooks."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Generator


class Event(NamedTuple):
    """One event.

    Attributes:
        kind: `"reads"`, `"writes"`, `"makes"`, `"connects"` or `"starts"`.
        name: The file, the address or the command.
        is_new: Whether the file did not exist before.
    """

    kind: str
    name: str
    is_new: bool = False


# The active logs. Python's audit hooks cannot be removed: without any log, this one does nothing.
_listening: Final[list[list[Event]]] = []
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# The prefixes of folders that a process uses as long as it runs.
_KEPT: Final = ("pymp-", "dask-", "prefectx-", "pytest-")


@contextmanager
def record_events() -> Generator[list[Event]]:
    """Yield a list to which the events within the `with` statement are added."""
    _install()
    log: list[Event] = []
    _listening.append(log)
    try:
        yield log
    finally:
        _listening[:] = [other for other in _listening if other is not log]


def remove_temporary(events: list[Event]) -> None:
    """Remove the files and folders that were created in the temporary folder."""
    top = os.path.join(os.path.realpath(tempfile.gettempdir()), "")
    for event in reversed(events):
        path = os.path.realpath(event.name) if event.is_new else ""
        if not path.startswith(top) or path[len(top) :].startswith(_KEPT):
            continue
        with suppress(OSError):
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def _install() -> None:
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_hook)


_installed: Final[list[bool]] = []


def _hook(name: str, arguments: tuple[Any, ...]) -> None:
    if not _listening or name not in _EVENTS:
        return
    try:
        event = _EVENTS[name](*arguments)
    except Exception:  # noqa: BLE001 - it would be raised in the program
        return
    if event is not None:
        for log in _listening:
            log.append(event)


def _on_open(path: Any, _mode: str | None, flags: int) -> Event | None:
    if isinstance(path, int):
        return None
    name = os.path.abspath(os.fsdecode(path))
    if flags & _WRITES:
        return Event("writes", name, not os.path.lexists(name))
    return Event("reads", name)


def _on_mkdir(path: Any, *_: object) -> Event:
    name = os.path.abspath(os.fsdecode(path))
    return Event("makes", name, not os.path.lexists(name))


def _on_connect(_socket: object, address: Any) -> Event:
    if isinstance(address, str | bytes):
        return Event("connects", os.fsdecode(address))
    return Event("connects", ":".join(map(str, address[:2])))


def _on_database(name: Any) -> Event:
    return Event("connects", f"the database {os.fsdecode(name)}")


def _on_start(executable: Any, arguments: Any, *_: object) -> Event:
    parts = [arguments] if isinstance(arguments, str | bytes) else list(arguments or [executable])
    return Event("starts", os.fsdecode(parts[0]))


_EVENTS: Final[dict[str, Any]] = {
    "open": _on_open,
    "os.mkdir": _on_mkdir,
    "socket.connect": _on_connect,
    "subprocess.Popen": _on_start,
    "sqlite3.connect": _on_database,
}
