"""Parts of Arrow arrays and tables, for hashing: type and values, whatever their chunks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.arrays import array_parts
from prefectx._identity.parts import Parts
from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_BITS_OF_TEXTS: Final = {"string": 32, "binary": 32, "large_string": 64, "large_binary": 64}


def arrow_parts(value: Any) -> Parts | None:
    """Return the parts of an Arrow array, table or scalar; None for other objects of Arrow."""
    pyarrow: Any = import_module("pyarrow")
    kind = type_of(value)
    if isinstance(value, pyarrow.Table | pyarrow.RecordBatch):
        schema = [value.schema.metadata, *map(_field, value.schema)]
        return Parts("arrow table", (kind, value.num_rows, schema, *map(column_parts, value)))
    if isinstance(value, pyarrow.ChunkedArray | pyarrow.Array):
        return Parts("arrow array", (kind, column_parts(value)))
    if isinstance(value, pyarrow.Scalar):
        return Parts("arrow scalar", (kind, str(value.type), value.as_py()))
    return None


def _field(field: Any) -> tuple[Any, ...]:
    return (field.name, str(field.type), field.nullable, field.metadata)


def column_parts(column: Any) -> list[Any]:
    """Return the parts of a column, chunked or not.

    Args:
        column: An `Array` or a `ChunkedArray`.
    """
    return [str(column.type), len(column), *_values(column)]


def _values(column: Any) -> Iterator[Any]:  # noqa: C901 - one for each kind
    pyarrow: Any = import_module("pyarrow")
    types: Any = import_module("pyarrow.types")
    kind = column.type
    if isinstance(column, pyarrow.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(column, pyarrow.ChunkedArray):
        # It has no chunks, or more values than one array can hold.
        yield column.to_pylist()
    elif types.is_dictionary(kind):
        yield from _values(column.dictionary_decode())
    elif types.is_null(kind):
        return
    elif str(kind) in _BITS_OF_TEXTS:
        yield from _texts(column, _BITS_OF_TEXTS[str(kind)])
    elif types.is_boolean(kind):
        yield from _values(column.cast("uint8"))
    elif types.is_struct(kind):
        yield column.is_valid() if column.null_count else None
        for field, values in zip(kind, column.flatten(), strict=True):
            yield [_field(field), *column_parts(values)]
    elif types.is_list(kind) or types.is_large_list(kind):
        yield column.value_lengths()
        yield column_parts(column.flatten())
    elif types.is_primitive(kind) or types.is_decimal(kind):
        yield from _fixed_width(column)
    else:
        yield column.to_pylist()


def _validity(column: Any) -> Any:
    return column.is_valid().cast("uint8").to_numpy() if column.null_count else None


def _fixed_width(column: Any) -> Iterator[Any]:
    numpy: Any = import_module("numpy")

    yield _validity(column)
    width = column.type.byte_width
    code = "f" if str(column.type) in {"halffloat", "float", "double"} else "V"
    dtype = numpy.dtype(f"{code}{width}")
    values = numpy.frombuffer(column.buffers()[1] or b"", numpy.uint8)
    start = column.offset * width
    values = values[start : start + len(column) * width].view(dtype)
    if column.null_count:
        # The bytes below a null are undefined.
        values = values.copy()
        values[~column.is_valid().to_numpy(zero_copy_only=False)] = numpy.zeros((), dtype)
    yield array_parts(values)


def _texts(column: Any, bits: int) -> Iterator[Any]:
    numpy: Any = import_module("numpy")

    yield _validity(column)
    if column.null_count:
        column = column.fill_null("" if "string" in str(column.type) else b"")
    _, offsets, content = column.buffers()
    ends = numpy.frombuffer(offsets or b"", f"i{bits // 8}")
    ends = ends[column.offset : column.offset + len(column) + 1]
    if not len(ends):
        return
    first, last = int(ends[0]), int(ends[-1])
    yield array_parts(ends - first if first else ends)
    yield array_parts(numpy.frombuffer(content or b"", numpy.uint8)[first:last])
