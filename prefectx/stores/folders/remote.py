"""`RemoteFolder`: files below any URL that fsspec knows."""

from __future__ import annotations

import asyncio
import os
import posixpath
import tempfile
from contextlib import contextmanager, suppress
from importlib import import_module
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final

from prefectx.errors import MissingExtra, StoreUnreachable, UnsafeTarget, UnsupportedValue
from prefectx.stores.folders.base import RESERVED, Folder, Note
from prefectx.stores.folders.listing import listings
from prefectx.stores.folders.noted import NOTE, content_and_note
from prefectx.stores.record import UNFINISHED, mark_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

# Here a file that is put appears whole or not at all. Elsewhere it is put under another name
# first, and then renamed.
_WHOLE: Final = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "adl", "abfs", "abfss", "oss", "oci", "r2"}
)
# s3fs would ask for the size first, to fetch large files in parts side by side.
_ONE_REQUEST: Final = {"s3": {"max_concurrency": 1}, "s3a": {"max_concurrency": 1}}
_INSTALL: Final = {
    "s3": "prefectx[s3]",
    "s3a": "prefectx[s3]",
    "gs": "prefectx[gcs]",
    "gcs": "prefectx[gcs]",
}


# Here a file carries its note as metadata, which come with it and go with it: as many bytes.
_NOTED: Final = {"s3": 1_900, "s3a": 1_900}


class RemoteFolder(Folder):
    """Stores each file below a URL.

    Args:
        url: The URL, as in `"s3://bucket/folder"`.
        options: What fsspec's file system takes, credentials for instance.
    """

    is_remote = True

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self._url: Final = url.rstrip("/")
        self._options: Final = dict(options)
        self._systems: Final[dict[int, tuple[Any, str]]] = {}

    @property
    def prefix(self) -> str:
        """The URL with a slash."""
        return f"{self._url}/"

    def location(self, name: str) -> str:
        """Return the file's URL."""
        return f"{self._url}/{name}" if name else self._url

    def path(self, name: str) -> str:
        """Return the file's URL."""
        return self.location(name)

    def exists(self, name: str) -> bool:
        """Tell whether the file exists: within a run, by a listing of its folder."""
        if (known := listings.get()) is not None:
            return known.has(self._root_name(), name, self._names_in)
        with self._reached(name), suppress(FileNotFoundError):
            system, key = self._found(name)
            return bool(system.info(key)["type"] == "file")
        return False

    def open(self, name: str) -> BinaryIO:
        """Return the file's content, read with one request."""
        with self._reached(name):
            system, key = self._found(name)
            return BytesIO(system.cat_file(key, **_ONE_REQUEST.get(_protocol(self._url), {})))

    def open_marked(self, name: str) -> tuple[BinaryIO, str | None] | None:
        """Return the file's content and mark, read with one request, if it can carry one."""
        if _protocol(self._url) not in _NOTED:
            return None
        with self._reached(name):
            content, note = content_and_note(*self._found(name))
        mark = mark_of(note)
        return BytesIO(content), None if mark in {"", UNFINISHED} else mark

    def mark_in(self, name: str, mark_of: Callable[[bytes], str]) -> str | None:
        """Return the mark in a file: within a run, with those of the files next to it."""
        if (known := listings.get()) is None:
            return super().mark_in(name, mark_of)

        def marks_of(names: list[str]) -> Mapping[str, str]:
            return {name: mark_of(content) for name, content in self._contents(names)}

        return known.mark(self._root_name(), name, self._names_in, marks_of)

    def mark_in_note(self, name: str, mark_of: Callable[[bytes], str]) -> str | None:
        """Return the mark in a file's note: within a run, with those of the files next to it."""
        if _protocol(self._url) not in _NOTED:
            return ""

        def marks_of(names: list[str]) -> Mapping[str, str]:
            return {name: mark_of(note) for name, note in self._notes(names)}

        if (known := listings.get()) is None:
            return marks_of([name]).get(name)
        return known.mark(self._root_name(), name, self._names_in, marks_of)

    def note(self, name: str) -> bytes | None:
        """Return the note that is stored with the file, if one is."""
        if _protocol(self._url) not in _NOTED:
            return None
        return dict(self._notes([name])).get(name) or None

    def forget(self, name: str) -> None:
        """Let the file's folder be listed again."""
        if (known := listings.get()) is not None:
            known.forget(self._root_name(), name)

    def _contents(self, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Give what is in files, read side by side, but for those that are gone by now."""
        options = _ONE_REQUEST.get(_protocol(self._url), {})
        with self._reached(names[0]):
            found = [self._found(name) for name in names]
            contents = found[0][0].cat_ranges([key for _, key in found], None, None, **options)
        for name, content in zip(names, contents, strict=True):
            with self._reached(name), suppress(FileNotFoundError):
                if isinstance(content, BaseException):
                    raise content
                yield name, content

    def _notes(self, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Give the notes of files, b"" for those without one; not of files that are gone by now."""
        asyn: Any = import_module("fsspec.asyn")
        with self._reached(names[0]):
            found = [self._found(name) for name in names]
            system = found[0][0]
            asking = [system._metadata(key) for _, key in found]
            answers: list[Any] = asyn.sync(system.loop, _answers, asking)
        for name, metadata in zip(names, answers, strict=True):
            with self._reached(name), suppress(FileNotFoundError):
                if isinstance(metadata, BaseException):
                    raise metadata
                yield name, metadata.get(NOTE, "").encode()

    def write(
        self,
        name: str,
        dump: Callable[[IO[bytes]], object],
        note: Note | None = None,
    ) -> None:
        """Write the file here first, then put it there, whole or not at all."""
        with tempfile.TemporaryDirectory(prefix="prefectx-") as folder:
            path = os.path.join(folder, "whole")
            with open(path, "wb") as file:
                dump(file)
            options = {} if note is None else self._options_for(note)
            with self._reached(name, missing="nothing can be put there"):
                self._put(path, *self._found(name), options)
        self._update_listing(name, is_there=True)

    def delete(self, name: str) -> None:
        """Remove the file."""
        with self._reached(name), suppress(FileNotFoundError):
            system, key = self._found(name)
            system.rm_file(key)
        self._update_listing(name, is_there=False)

    def list(self, prefix: str) -> Iterator[str]:
        """Give the names below the URL, of the narrowest folder that holds them."""
        for name in self._names_in(prefix.rpartition("/")[0], deep=True):
            hidden = any(part.startswith(RESERVED) for part in name.split("/"))
            if not hidden and name.startswith(prefix):
                yield name

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Refuse: object stores have no locks.

        Raises:
            UnsupportedValue: Always.
        """
        msg = (
            f"{self._url!r} has no locks, so {name!r} cannot be made with once=True: use a local"
            " Filestore or an SQLStore on PostgreSQL"
        )
        raise UnsupportedValue(msg)

    def removal(self, name: str) -> str:
        """Return the Python expression."""
        options = ", storage_options=…" if self._options else ""
        return f"item({name!r}, Filestore({self._url!r}{options})).delete() in Python"

    def _options_for(self, note: Note) -> dict[str, Any]:
        """Return what keeps a note with the file that is put; keep it beside it if nothing does."""
        room = _NOTED.get(_protocol(self._url))
        if room is None:
            note.keep_beside()
            return {}
        if _is_header(note.content, room):
            return {"Metadata": {NOTE: note.content.decode()}}
        note.keep_beside()
        return {"Metadata": {NOTE: note.short.decode()}} if _is_header(note.short, room) else {}

    def _put(self, path: str, system: Any, key: str, options: Mapping[str, Any]) -> None:
        if _protocol(self._url) in _WHOLE:
            system.put_file(path, key, **options)
            return
        folder = posixpath.dirname(key)
        system.makedirs(folder, exist_ok=True)
        unfinished = f"{folder}/{RESERVED}-{os.getpid()}-{os.urandom(6).hex()}.tmp"
        try:
            system.put_file(path, unfinished)
            system.mv(unfinished, key)
        except BaseException:
            with suppress(Exception):
                system.rm_file(unfinished)
            raise

    def _names_in(self, folder: str, *, deep: bool) -> Sequence[str]:
        with self._reached(folder), suppress(FileNotFoundError):
            system, root = self._system()
            start = posixpath.join(root, folder) if folder else root
            # As many requests as there are thousands of names: a listing of one level, or of all.
            found = system.find(start, maxdepth=None if deep else 1)
            return [name.removeprefix(root).lstrip("/") for name in found]
        return []

    def _update_listing(self, name: str, *, is_there: bool) -> None:
        if (known := listings.get()) is not None:
            known.update(self._root_name(), name, is_there=is_there)

    def _root_name(self) -> str:
        return f"{self._url} {sorted(self._options.items(), key=str)}"

    def _found(self, name: str) -> tuple[Any, str]:
        if name.startswith("/"):
            msg = f"target {name!r} is absolute, and so cannot lie below {self._url!r}"
            raise UnsafeTarget(msg)
        system, root = self._system()
        key = posixpath.join(root, name)
        # The literal start of a template may go up.
        return system, posixpath.normpath(key) if ".." in name.split("/") else key

    def _system(self) -> tuple[Any, str]:
        # A fork must not use the connections and threads of its parent.
        process = os.getpid()
        if process not in self._systems:
            self._systems[process] = self._new_system()
        return self._systems[process]

    def _new_system(self) -> tuple[Any, str]:
        protocol = _protocol(self._url)
        try:
            fsspec: Any = import_module("fsspec")
            options = {"use_listings_cache": False, **self._options}
            found: tuple[Any, str] = fsspec.url_to_fs(self._url, **options)
        except ImportError as error:
            extra = _INSTALL.get(protocol, "prefectx[remote]")
            msg = f'Filestore({self._url!r}) needs another package: pip install "{extra}" ({error})'
            raise MissingExtra(msg) from error
        except ValueError as error:
            msg = f"Filestore({self._url!r}): fsspec does not take this URL: {error}"
            raise UnsupportedValue(msg) from error
        return found[0], found[1].rstrip("/")

    @contextmanager
    def _reached(self, name: str, missing: str = "") -> Generator[None]:
        """Let an error of the file system say that the store did not answer, and for what.

        Args:
            name: What is asked for.
            missing: What it means if it is not there; by default, only that.
        """
        try:
            yield
        except (MissingExtra, UnsafeTarget, UnsupportedValue):
            raise
        except FileNotFoundError as error:
            if not missing:
                raise
            raise self._unreachable(name, f"{missing}: {error}") from error
        except Exception as error:
            # Each file system has its own errors, and not all are OSErrors.
            raise self._unreachable(name, f"{type(error).__name__}: {error}") from error

    def _unreachable(self, name: str, why: str) -> StoreUnreachable:
        msg = (
            f"{self.location(name)!r} could not be reached ({why}). See that the store is there and"
            " takes these credentials, then run again: what was saved is kept."
        )
        return StoreUnreachable(msg)


def _is_header(note: bytes, room: int) -> bool:
    return len(note) <= room and note.isascii() and note.decode().isprintable()


async def _answers(asking: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Wait for all answers, of which some may be exceptions."""
    return await asyncio.gather(*asking, return_exceptions=True)


def _protocol(url: str) -> str:
    return url.partition("://")[0].rpartition("::")[2]
