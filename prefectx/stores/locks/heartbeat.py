"""`HeartbeatLock`: a lock for where the kernel has none, over notes that show signs of life.

A holder creates a note, which only one can do, and rewrites it every few seconds. It counts as
dead when its process is, as far as that can be seen from here, or when its note has not changed
for a minute by the waiter's own clock: the clocks of two machines are never compared.

Whoever takes over creates the *successor* of the dead holder's note, whose name follows from
that note. Again only one can, and however late it comes, it never removes what another has just
taken: no note is ever renamed or deleted but by its owner and by its last successor.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import threading
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from prefectx._logs.loggers import standard_logger
from prefectx.stores.locks.waiting import Pauses

if TYPE_CHECKING:
    from types import TracebackType

BEAT: Final = 5.0
"""The seconds between two signs of life."""

STALE_AFTER: Final = 60.0
"""The seconds without a change of the note after which its holder counts as dead.

Many beats, for a thread may be kept from running: by pickling 2 GB, or by a network that stalls.
"""


class Notes(Protocol):
    """A place for the notes of heartbeat locks (about 200 bytes): a folder or an object store.

    Names have no slashes. Other processes must see a change at once, not from any cache.
    """

    def create(self, name: str, text: bytes) -> bool:
        """Write a note unless one of this name is there; tell whether it was written.

        Of all who try at once, exactly one may be told True.
        """
        ...

    def read(self, name: str) -> bytes | None:
        """Return what a note says, or None if there is none of this name."""
        ...

    def replace(self, name: str, text: bytes) -> None:
        """Write to a note that exists; `text` is as long as before."""
        ...

    def delete(self, name: str) -> None:
        """Remove a note; do nothing if there is none of this name."""
        ...


class FileNotes:
    """Notes as files of one folder, which is made when it is first needed."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def create(self, name: str, text: bytes) -> bool:
        """Write a new file."""
        path = self._path(name)
        while True:
            try:
                with open(path, "xb", buffering=0) as file:
                    file.write(text)
            except FileExistsError:
                return False
            except FileNotFoundError:
                os.makedirs(self._folder, exist_ok=True)
            except BaseException:
                self.delete(name)
                raise
            else:
                return True

    def read(self, name: str) -> bytes | None:
        """Return the file's bytes."""
        try:
            with open(self._path(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def replace(self, name: str, text: bytes) -> None:
        """Write over the file's bytes: needs no space, and other machines see the same file."""
        with open(self._path(name), "r+b", buffering=0) as file:
            file.write(text)

    def delete(self, name: str) -> None:
        """Remove the file."""
        with suppress(FileNotFoundError):
            os.unlink(self._path(name))

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)


@dataclass(frozen=True)
class _Note:
    """A note that was found: what it says, and where its successor would be."""

    name: str
    text: bytes

    @property
    def _said(self) -> dict[str, Any]:
        try:
            said: dict[str, Any] = json.loads(self.text)
        except ValueError:
            # Its writer was killed between creating and writing it.
            return {}
        return said

    @property
    def token(self) -> str:
        return str(self._said.get("token", ""))

    @property
    def who(self) -> str:
        said = self._said
        return f"{said.get('host', 'somebody')} pid {said.get('pid', 'unknown')}"

    def successor(self, root: str) -> str:
        key = f"{self.name} {self.token}".encode()
        return f"{root}.{hashlib.blake2b(key, digest_size=8).hexdigest()}"

    def is_dead(self, host: str) -> bool:
        """Tell whether the holder is a process of this host that is no more."""
        said = self._said
        here = (host, _process_space())
        return (said.get("host"), said.get("space")) == here and not _is_alive(said.get("pid"))


class HeartbeatLock(AbstractContextManager[None]):
    """Holds a name alone, among all who share the notes; used once.

    Args:
        notes: Where the notes are.
        name: What is held, fit to be a note's name.
        what: What it is called in the log, by default the name.
        host: What tells this machine apart from all others, by default its name.
        beat: How many seconds lie between two signs of life.
        stale_after: For how many seconds a note must not change until it may be taken over.
    """

    def __init__(  # noqa: PLR0913 - tests have a shorter time
        self,
        notes: Notes,
        name: str,
        what: str = "",
        *,
        host: str | None = None,
        beat: float = BEAT,
        stale_after: float = STALE_AFTER,
    ) -> None:
        self._notes = notes
        self._root = name
        self._what = what or name
        self._host = host or platform.node()
        self._beat = beat
        self._stale_after = stale_after
        self._token = os.urandom(16).hex()
        self._pid = os.getpid()
        self._mine = ""
        self._dead: list[_Note] = []
        self._seen = (b"", 0.0)
        self._released = threading.Event()
        # A daemon: it must not keep a process alive whose other threads have ended.
        self._heart = threading.Thread(target=self._keep_beating, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        pauses = Pauses(self._what, longest=1.0)
        while (rival := self._attempt()) is not None:
            pauses.pause(lambda rival=rival: rival.who)  # type: ignore[misc]
        self._heart.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if os.getpid() != self._pid:
            # A fork of the holder, which has no heart.
            return
        self._released.set()
        self._heart.join()
        own = _Note(self._mine, self._text(0))
        if self._notes.read(own.successor(self._root)) is not None:
            # Taken over: the notes are the successor's now.
            return
        # The first note goes first, so that who finds it gone knows the others to be over.
        for note in (*self._dead, own):
            if self._is_still(note):
                self._notes.delete(note.name)

    def _attempt(self) -> _Note | None:
        """Try to get the lock; return the note of who has it, or None if it is ours now."""
        while True:
            chain, free = self._chain()
            if chain and not self._is_stale(chain[-1]):
                return chain[-1]
            if not self._notes.create(free, self._text(0)):
                continue
            if not chain or self._is_still(chain[0]):
                self._dead, self._mine = chain, free
                return None
            # Whoever took over before us has finished since we looked.
            self._notes.delete(free)

    def _chain(self) -> tuple[list[_Note], str]:
        """Return the notes of all holders, each the successor of a dead one, and the next name."""
        chain: list[_Note] = []
        name = self._root
        while (text := self._notes.read(name)) is not None:
            chain.append(_Note(name, text))
            name = chain[-1].successor(self._root)
        return chain, name

    def _is_stale(self, note: _Note) -> bool:
        if note.is_dead(self._host):
            return True
        text, since = self._seen
        if text != note.text:
            self._seen = (note.text, time.monotonic())
            return False
        return time.monotonic() - since > self._stale_after

    def _is_still(self, note: _Note) -> bool:
        text = self._notes.read(note.name)
        return text is not None and _Note(note.name, text).token == note.token

    def _keep_beating(self) -> None:
        beats = 0
        while not self._released.wait(self._beat):
            beats += 1
            try:
                if not self._is_still(_Note(self._mine, self._text(0))):
                    standard_logger().warning("the lock of %s was taken away", self._what)
                    return
                self._notes.replace(self._mine, self._text(beats))
            except Exception as error:  # noqa: BLE001 - the next beat may get through
                standard_logger().warning(
                    "no sign of life for the lock of %s: %s", self._what, error
                )

    def _text(self, beats: int) -> bytes:
        said = {
            "beats": f"{beats:010}",
            "host": self._host,
            "pid": self._pid,
            "space": _process_space(),
            "token": self._token,
        }
        return json.dumps(said).encode()


def _process_space() -> str:
    """Return within what process ids are comparable: containers may share a host's name."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _is_alive(pid: Any) -> bool:
    if sys.platform == "win32" or not isinstance(pid, int):
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
