"""Arrays of numpy: `.npy`, several in `.npz`, compressed in `.zarr.zip`."""

from __future__ import annotations

import json
import posixpath
import zipfile
from io import BytesIO
from typing import IO, Any, Final

from prefectx._types import is_dict, is_list, type_of
from prefectx._words import with_article
from prefectx.errors import UnsupportedValue, UntrustedTarget
from prefectx.stores.formats.format import Format
from prefectx.stores.formats.optional import in_memory, library
from prefectx.stores.formats.round_trip import (
    PICKLE_SERVES,
    kind_of,
    other_type,
    proving,
)

# Ours are never so long; numpy by itself reads no header of more than 10,000 characters.
_LONGEST_HEADER: Final = 1 << 20
_LONGEST_NAME: Final = 60_000


_ZARR_METADATA: Final = frozenset({"zarr.json", ".zarray", ".zgroup", ".zmetadata"})
_SAFE_CODECS: Final = frozenset(
    {
        *("bytes", "transpose", "sharding_indexed", "crc32c", "zstd", "gzip", "blosc"),
        *("zlib", "bz2", "lzma", "lz4", "shuffle", "delta", "crc32", "adler32", "fixedscaleoffset"),
    }
)


def _write_array(value: Any, file: IO[bytes]) -> None:
    # Version 3 has names of fields in Unicode; numpy would choose it too, but with a warning.
    version = (1, 0) if value.dtype.names is None else (3, 0)
    library("numpy").lib.format.write_array(file, value, version, allow_pickle=False)


def _read_array(file: IO[bytes]) -> Any:
    read = library("numpy").lib.format.read_array
    return read(file, allow_pickle=False, max_header_size=_LONGEST_HEADER)


def _check_array(value: Any, where: str, suffix: str) -> None:
    numpy = library("numpy")
    if type_of(value) is not numpy.ndarray:
        msg = (
            f"{suffix} would change {where}, {with_article(kind_of(value))}, into a numpy.ndarray;"
            f" {PICKLE_SERVES}"
        )
        raise UnsupportedValue(msg)
    if value.dtype.hasobject:
        msg = f"{suffix} cannot hold {where}, an array of Python objects; {PICKLE_SERVES}"
        raise UnsupportedValue(msg)
    # The elements are written as they lie in memory: only what is said of them can change.
    _check_header(numpy.empty((0, *value.shape[1:]), value.dtype), where)


def _judge_dtype(value: Any, back: Any) -> str | None:
    # dtypes that differ in their alignment or metadata are equal to numpy.
    old, new = value.dtype, back.dtype
    if old == new and repr(old) == repr(new) and not _has_metadata(old):
        return None
    notes = f" with metadata {dict(old.metadata)}" if old.metadata else ""
    return f"dtype {old!r}{notes} into {new!r}"


def _has_metadata(dtype: Any) -> bool:
    if dtype.metadata:
        return True
    if dtype.subdtype is not None:
        return _has_metadata(dtype.base)
    fields: dict[str, tuple[Any, ...]] = dict(dtype.fields or {})
    return any(_has_metadata(field[0]) for field in fields.values())


def _check_header(empty: Any, where: str) -> None:
    import warnings

    def judge(old: Any, new: Any) -> str | None:
        found = _judge_dtype(old, new)
        return f"{where}: {found}" if found else None

    with warnings.catch_warnings():
        # numpy warns of metadata that it leaves out; here that is an error.
        warnings.simplefilter("ignore", UserWarning)
        proving("the .npy format", _write_array, _read_array, judge)(empty, BytesIO())


def _dump_npy(value: Any, file: IO[bytes]) -> None:
    if not kind_of(value).startswith("numpy."):
        raise other_type(".npy", "a numpy.ndarray", value)
    _check_array(value, "value", ".npy")
    _write_array(value, file)


def _map_npy(path: str) -> Any:
    open_memmap = library("numpy").lib.format.open_memmap
    return open_memmap(path, mode="r", max_header_size=_LONGEST_HEADER)


def _dump_npz(value: Any, file: IO[bytes]) -> None:
    if type_of(value) is not dict:
        raise other_type(".npz", "a dict of numpy.ndarrays", value)
    for name, array in value.items():
        _check_name(name)
        _check_array(array, f"value[{name!r}]", ".npz")
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in value.items():
            # An entry named by a ZipInfo bears no time: equal values are equal files.
            entry = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(entry, "w", force_zip64=True) as part:
                _write_array(array, part)


def _check_name(name: Any) -> None:
    if type_of(name) is not str:
        msg = f".npz would change the key {name!r} of value into a str; {PICKLE_SERVES}"
        raise UnsupportedValue(msg)
    try:
        fits = len(name.encode()) <= _LONGEST_NAME
    except UnicodeEncodeError:
        fits = False
    if not fits or zipfile.ZipInfo(f"{name}.npy").filename != f"{name}.npy":
        msg = f"the key {name!r} of value cannot be a name in an .npz file; {PICKLE_SERVES}"
        raise UnsupportedValue(msg)


def _load_npz(file: IO[bytes]) -> dict[str, Any]:
    loaded: dict[str, Any] = {}
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as part:
                loaded[entry.filename.removesuffix(".npy")] = _read_array(part)
    return loaded


def _write_zarr(value: Any, file: IO[bytes]) -> None:
    zarr = library("zarr")
    store: dict[str, Any] = {}
    # Zarr takes a chunk of -0.0 for an empty one of 0.0, so that none is left out.
    zarr.create_array(store, data=value, config={"write_empty_chunks": True})
    with zipfile.ZipFile(file, "w") as archive:
        for name, chunk in store.items():
            archive.writestr(zipfile.ZipInfo(name), chunk.to_bytes())


def _read_zarr(file: IO[bytes]) -> Any:
    zarr, buffer = library("zarr"), library("zarr.buffer.cpu", "zarr").Buffer
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if posixpath.basename(name) in _ZARR_METADATA:
                _check_codecs(json.loads(archive.read(name)))
        store = {name: buffer.from_bytes(archive.read(name)) for name in archive.namelist()}
    found = library("numpy").asarray(zarr.open_array(store, mode="r")[...])
    # Zarr names the order of the bytes also where it is the machine's own.
    return found.view(found.dtype.newbyteorder("=")) if found.dtype.isnative else found


def _check_codecs(part: Any) -> None:
    """Raise `UntrustedTarget` for metadata that names a codec which may run code.

    Zarr finds codecs by their names among all packages that are installed, and some unpickle.
    """
    if is_dict(part):
        for key, value in part.items():
            if key in {"codecs", "index_codecs", "filters", "compressor", "storage_transformers"}:
                for codec in _listed(value):
                    _check_codec(codec)
            _check_codecs(value)
    elif is_list(part):
        for value in part:
            _check_codecs(value)


def _listed(value: Any) -> list[Any]:
    return value if is_list(value) else [value]


def _check_codec(codec: Any) -> None:
    name = codec.get("name", codec.get("id")) if is_dict(codec) else codec
    if name is not None and str(name).removeprefix("numcodecs.") not in _SAFE_CODECS:
        msg = f"names the Zarr codec {name!r}, which is none of those that are known to be safe"
        raise UntrustedTarget(msg)


def _judge_zarr(value: Any, back: Any) -> str | None:
    if found := _judge_dtype(value, back):
        return f"value: {found}"
    if value.shape != back.shape:
        return f"value: shape {value.shape} into {back.shape}"
    return None if value.tobytes() == back.tobytes() else "value: its elements"


def _serves_array(_: Any) -> str:
    return "use .npy or pickle (no suffix)"


_proven_zarr: Final = proving(".zarr.zip", _write_zarr, _read_zarr, _judge_zarr, _serves_array)


def _dump_zarr(value: Any, file: IO[bytes]) -> None:
    if not kind_of(value).startswith("numpy."):
        raise other_type(".zarr.zip", "a numpy.ndarray", value)
    _check_array(value, "value", ".zarr.zip")
    _proven_zarr(value, file)


NPY: Final = Format(_read_array, _dump_npy, map=_map_npy)
NPZ: Final = Format(in_memory(_load_npz), _dump_npz)
ZARR: Final = Format(in_memory(_read_zarr), _dump_zarr)
