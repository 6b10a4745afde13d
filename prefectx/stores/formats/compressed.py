"""Compressed pickles: `.pkl.gz` with gzip, `.pkl.zst` with Zstandard."""

from __future__ import annotations

import gzip
import zlib
from typing import IO, Any, Final

from prefectx.stores.formats.format import Format
from prefectx.stores.formats.optional import library
from prefectx.stores.formats.pickles import PICKLE

# Past this, gzip takes several times as long for a few per cent.
_GZIP_LEVEL: Final = 6
_PART: Final = 1 << 20


def _dump_gzip(value: Any, file: IO[bytes]) -> None:
    # Without a name and a time in it, equal values are equal files.
    with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as part:
        PICKLE.dump(value, part)  # type: ignore[arg-type]


def _load_gzip(file: IO[bytes]) -> Any:
    with gzip.GzipFile(fileobj=file, mode="rb") as part:
        return _whole(part, (gzip.BadGzipFile, EOFError, zlib.error))


def _dump_zstd(value: Any, file: IO[bytes]) -> None:
    with library("zstandard").ZstdCompressor().stream_writer(file, closefd=False) as part:
        PICKLE.dump(value, part)


def _load_zstd(file: IO[bytes]) -> Any:
    zstandard = library("zstandard")
    with zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as part:
        return _whole(part, (zstandard.ZstdError,))


def _whole(part: Any, torn: tuple[type[Exception], ...]) -> Any:
    """Return the value in a compressed file that is read to its end, where its checksum is."""
    try:
        value = PICKLE.load(part)
        while part.read(_PART):
            pass
    except torn as error:
        # Some are OSErrors, but nothing is wrong with the disk.
        raise ValueError(str(error)) from error
    return value


GZIP: Final = Format(_load_gzip, _dump_gzip, runs_code=True)
ZSTD: Final = Format(_load_zstd, _dump_zstd, runs_code=True)
