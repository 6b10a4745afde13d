"""Tables of pandas, polars and pyarrow: `.parquet` for all three, a `.csv` for each."""

from __future__ import annotations

import datetime
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._words import with_article
from prefectx.errors import UnsupportedValue
from prefectx.stores.formats.format import Format
from prefectx.stores.formats.frames_equal import frame_change
from prefectx.stores.formats.optional import in_memory, library
from prefectx.stores.formats.round_trip import (
    PICKLE_SERVES,
    Judge,
    kind_of,
    other_type,
    proving,
    serves,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx.stores.formats.format import Dumper, Loader

# Under this key of its schema, a Parquet file says which library's table it was.
_KEY: Final = b"prefectx"


class _Kind(NamedTuple):
    """The functions that convert the tables of one library to Arrow tables and back."""

    to_arrow: Callable[[Any], Any]
    from_arrow: Callable[[Any], Any]
    judge: Judge


def _polars_change(old: Any, new: Any) -> str | None:
    if old.shape != new.shape:
        return f"shape {old.shape} into {new.shape}"
    for column in old.columns:
        if column not in new.columns:
            return f"columns {old.columns} into {new.columns}"
        before, after = old[column], new[column]
        if before.dtype != after.dtype:
            return f"column {column!r}: dtype {before.dtype} into {after.dtype}"
        if not before.equals(after, null_equal=True) or _signs(before) != _signs(after):
            return f"column {column!r}: {_first_change(before.to_list(), after.to_list())}"
    return None


def _signs(column: Any) -> Any:
    # -0.0 equals 0.0, but is another number.
    if not column.dtype.is_float():
        return None
    return library("numpy").signbit(column.fill_null(0).fill_nan(0).to_numpy()).tobytes()


def _arrow_signs(column: Any) -> Any:
    pyarrow = library("pyarrow")
    if not pyarrow.types.is_floating(column.type):
        return None
    return library("numpy").signbit(column.to_numpy()).tobytes()


def _arrow_change(old: Any, new: Any) -> str | None:
    if not old.schema.equals(new.schema, check_metadata=True):
        return f"schema {old.schema} into {new.schema}"
    for number, name in enumerate(old.column_names):
        before, after = old.column(number), new.column(number)
        # Arrow says that nan differs from nan, and that -0.0 equals 0.0.
        if before.equals(after) and _arrow_signs(before) == _arrow_signs(after):
            continue
        if found := _first_change(before.to_pylist(), after.to_pylist()):
            return f"column {name!r}: {found}"
    return None


def _first_change(old: list[Any], new: list[Any]) -> str | None:
    for row, (before, after) in enumerate(zip(old, new, strict=True)):
        if repr(before) != repr(after):
            return f"row {row}, {before!r}, into {after!r}"
    return None


def _pandas_frame(table: Any) -> Any:
    """Return the frame that an Arrow table holds, UTC as the object that pandas takes for it."""
    frame = table.to_pandas()
    for number, dtype in enumerate(frame.dtypes):
        if _is_utc(dtype):
            frame.isetitem(number, frame.iloc[:, number].dt.tz_convert(datetime.UTC))
    if _is_utc(frame.index.dtype):
        frame.index = frame.index.tz_convert(datetime.UTC)
    return frame


def _is_utc(dtype: Any) -> bool:
    return str(getattr(dtype, "tz", None)) == "UTC"


def _marked(table: Any, kind: str) -> Any:
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: kind.encode()})


def _unmarked(table: Any) -> Any:
    metadata = dict(table.schema.metadata or {})
    metadata.pop(_KEY, None)
    return table.replace_schema_metadata(metadata or None)


def _arrow_of_pandas(frame: Any) -> Any:
    return library("pyarrow").Table.from_pandas(frame)


def _arrow_of_polars(frame: Any) -> Any:
    try:
        return frame.to_arrow()
    except library("polars").exceptions.PanicException as error:
        # It is no Exception. A name with a NUL raises it, for instance.
        msg = f"polars cannot give this table to Arrow: {error}"
        raise UnsupportedValue(msg) from error


def _polars_frame(table: Any) -> Any:
    return library("polars").from_arrow(table)


def _itself(table: Any) -> Any:
    return table


_KINDS: Final = {
    "pandas.DataFrame": _Kind(_arrow_of_pandas, _pandas_frame, frame_change),
    "polars.DataFrame": _Kind(_arrow_of_polars, _polars_frame, _polars_change),
    "pyarrow.Table": _Kind(_itself, _itself, _arrow_change),
}
_TEXTS: Final = frozenset({"string", "large_string", "binary", "large_binary"})
_TABLES: Final = "a pandas.DataFrame, a polars.DataFrame or a pyarrow.Table"


def _write_parquet(table: Any, file: IO[bytes]) -> None:
    # With the names that Arrow itself gives to the elements of lists.
    library("pyarrow.parquet").write_table(table, file, use_compliant_nested_type=False)


def _arrow_memory(file: IO[bytes]) -> Any:
    """Return the rest of a file in memory of Arrow's own, for Arrow to read.

    Arrow's threads read from what they are given, and may be the last to let go of it: of a file
    of Python's after the table is there. A process that ends just then is aborted (`terminate
    called without an active exception`), for Python ends threads that come back to it by then.
    """
    pyarrow = library("pyarrow")
    content = file.read()
    memory = pyarrow.allocate_buffer(len(content))
    memoryview(memory).cast("B")[:] = content
    return pyarrow.BufferReader(memory)


def _open_parquet(file: IO[bytes]) -> Any:
    # `read_table` looks for a folder of files first, which takes longer than to read a small one.
    return library("pyarrow.parquet").ParquetFile(_arrow_memory(file))


def _read_parquet(file: IO[bytes]) -> Any:
    return _from_arrow(_open_parquet(file).read())


def _from_arrow(table: Any) -> Any:
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    # A file that was dropped in by hand says nothing: it becomes what most would read it as.
    kind = metadata.get(_KEY, b"pandas.DataFrame").decode()
    return _KINDS[kind].from_arrow(_unmarked(table))


def _judge_parquet(old: Any, new: Any) -> str | None:
    return _KINDS[kind_of(old)].judge(old, new)


def _holds(file: IO[bytes], table: Any) -> bool:
    """Tell whether a Parquet file has each bit of a table; False if that takes a closer look.

    Its groups of rows are read one after the other, which takes less memory than all at once, and
    so less time.
    """
    opened = _open_parquet(file)
    if not opened.schema_arrow.equals(table.schema, check_metadata=True):
        return False
    row = 0
    for number in range(opened.num_row_groups):
        rows = opened.read_row_group(number)
        if not all(map(_is_same_column, rows.columns, table.slice(row, rows.num_rows).columns)):
            return False
        row += rows.num_rows
    return bool(row == table.num_rows)


def _is_same_column(old: Any, new: Any) -> bool:
    types = library("pyarrow.types")
    if types.is_floating(old.type):
        # To Arrow, nan differs from nan, and -0.0 does not differ from 0.0.
        bits = f"u{old.type.bit_width // 8}"
        same = old.is_valid().equals(new.is_valid())
        return same and bool((old.to_numpy().view(bits) == new.to_numpy().view(bits)).all())
    is_exact = types.is_primitive(old.type) or str(old.type) in _TEXTS
    return is_exact and bool(old.equals(new))


def _dump_parquet(value: Any, file: IO[bytes]) -> None:
    kind = kind_of(value)
    if kind not in _KINDS:
        raise other_type(".parquet", _TABLES, value)
    written: list[Any] = []

    def write(value: Any, content: IO[bytes]) -> None:
        written.append(_marked(_KINDS[kind].to_arrow(value), kind))
        _write_parquet(written[0], content)

    def read(content: IO[bytes]) -> Any:
        if _holds(content, written[0]):
            return _from_arrow(written[0])
        content.seek(0)
        return _read_parquet(content)

    proving(".parquet", write, read, _judge_parquet)(value, file)


def _table_advice(value: Any) -> str:
    return "use .parquet" if serves(_dump_parquet, value) else PICKLE_SERVES


def _csv(suffix: str, takes: str, write: Dumper, read: Loader) -> Format:
    proven = proving(suffix, write, read, _KINDS[takes].judge, _table_advice)

    def dump(value: Any, file: IO[bytes]) -> None:
        if kind_of(value) != takes:
            raise other_type(suffix, with_article(takes), value)
        proven(value, file)

    return Format(in_memory(read), dump)


def _write_pandas_csv(value: Any, file: IO[bytes]) -> None:
    file.write(value.to_csv(index=False, lineterminator="\n").encode())


def _read_pandas_csv(file: IO[bytes]) -> Any:
    pandas = library("pandas")
    # Since version 3 pandas reads each float as it was written without being asked to.
    exact = {} if pandas.__version__ >= "3" else {"float_precision": "round_trip"}
    return pandas.read_csv(file, low_memory=False, **exact)


def _write_polars_csv(value: Any, file: IO[bytes]) -> None:
    value.write_csv(file)


def _read_polars_csv(file: IO[bytes]) -> Any:
    return library("polars").read_csv(file.read(), infer_schema_length=None)


def _write_arrow_csv(value: Any, file: IO[bytes]) -> None:
    library("pyarrow.csv").write_csv(value, file)


def _read_arrow_csv(file: IO[bytes]) -> Any:
    return library("pyarrow.csv").read_csv(_arrow_memory(file))


PARQUET: Final = Format(in_memory(_read_parquet), _dump_parquet)
PANDAS_CSV: Final = _csv(".csv", "pandas.DataFrame", _write_pandas_csv, _read_pandas_csv)
POLARS_CSV: Final = _csv(".polars.csv", "polars.DataFrame", _write_polars_csv, _read_polars_csv)
ARROW_CSV: Final = _csv(".arrow.csv", "pyarrow.Table", _write_arrow_csv, _read_arrow_csv)
