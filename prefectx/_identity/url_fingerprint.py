"""Size, version and content of a file or folder at a URL, by fsspec."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh3_64_intdigest, xxh3_128

from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Iterator

_PART: Final = 1 << 20
# Fields of a file system's answer that differ for each version of a file.
_VERSIONS: Final = frozenset(
    {
        *("ETag", "etag", "e_tag", "LastModified", "last_modified", "updated", "mtime"),
        *("md5", "md5Hash", "crc32c", "generation", "VersionId", "version_id"),
    }
)


def is_url(path: str) -> bool:
    """Tell whether a path is a URL of another file system, as in `s3://bucket/a.csv`."""
    return "://" in path and not path.startswith(_LOCAL)


def without_scheme(path: str) -> str:
    """Return a local path without `file://`."""
    return path.removeprefix(_LOCAL)


_LOCAL: Final = "file://"


def look_at_url(url: str) -> tuple[int, int, int] | None:
    """Return the size and a number for the version of what is at a URL; None if nothing is there.

    Raises:
        UnsupportedValue: It cannot be read.
    """
    files = _files_at(url)
    if files is None:
        return None
    found = [(name, info.get("size"), _version_in(info)) for name, _, info in files]
    size = sum(int(each or 0) for _, each, _ in found)
    if not all(versions for *_, versions in found):
        # Only the content tells, so no number may equal another.
        return size, time.time_ns(), 0
    return size, xxh3_64_intdigest(repr(found).encode("utf-8", "surrogatepass")) >> 1, 0


def _version_in(info: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key, str(info[key])) for key in sorted(info) if key in _VERSIONS]


def content_of_url(url: str) -> str:
    """Return a hash of what is at a URL: a file's content, or the names and contents in a folder.

    Raises:
        UnsupportedValue: It cannot be read.
    """
    whole = xxh3_128()
    for name, system, info in _files_at(url) or ():
        whole.update(f"{name}\0{info.get('size')}\0".encode("utf-8", "surrogatepass"))
        try:
            with system.open(info["name"], "rb") as file:
                while part := file.read(_PART):
                    whole.update(part)
        except Exception as error:
            raise _unreadable(url, error) from error
    return whole.hexdigest()


def _files_at(url: str) -> list[tuple[str, Any, dict[str, Any]]] | None:
    """Return the files at or below a URL: name below it, file system, what that says of it."""
    try:
        return list(_found_at(url))
    except FileNotFoundError:
        return None
    except Exception as error:
        raise _unreadable(url, error) from error


def _found_at(url: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    fsspec: Any = import_module("fsspec")
    system, path = fsspec.url_to_fs(url)
    # Its listings lack files that other processes have written since.
    system.invalidate_cache()
    info: dict[str, Any] = system.info(path)
    if info["type"] != "directory":
        yield "", system, info
        return
    for name, each in sorted(system.find(path, detail=True).items()):
        yield name.removeprefix(path), system, each


def _unreadable(url: str, error: Exception) -> UnsupportedValue:
    msg = (
        f"the input file {url!r} cannot be read, so nothing tells whether it has changed"
        f" ({type(error).__name__}: {error}). If its content should not count, annotate the"
        " argument as str, or leave it out of files=…."
    )
    return UnsupportedValue(msg)
