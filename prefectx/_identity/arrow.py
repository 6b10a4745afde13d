"""Parts of Arrow arrays and tables, for hashing: type and values, whatever their chunks."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.arrays import buffers_of
from prefectx._identity.parts import Parts, leaf_of_many, library, text_leaf
from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefectx._identity.parts import Digest

_FLOATS: Final = frozenset({"halffloat", "float", "double"})
_WORD: Final = 8
_LISTS: Final = (
    *("is_list", "is_large_list", "is_fixed_size_list", "is_list_view", "is_large_list_view"),
)
_BITS_OF_TEXTS: Final = {"string": 32, "binary": 32, "large_string": 64, "large_binary": 64}


def arrow_parts(value: Any) -> Parts | None:
    """Return the parts of an Arrow array, table or scalar; None for other objects of Arrow."""
    pyarrow: Any = library("pyarrow")
    kind = type_of(value)
    if isinstance(value, pyarrow.Table | pyarrow.RecordBatch):
        schema = [value.schema.metadata, *map(_field, value.schema)]
        return Parts("arrow table", (kind, value.num_rows, schema, *map(column_parts, value)))
    if isinstance(value, pyarrow.ChunkedArray | pyarrow.Array):
        return Parts("arrow array", (kind, column_parts(value)))
    if isinstance(value, pyarrow.ExtensionScalar):
        return Parts("arrow scalar", (kind, _type_parts(value.type), value.value))
    if isinstance(value, pyarrow.Scalar):
        # Python's own times have no nanoseconds.
        return Parts("arrow scalar", (kind, column_parts(pyarrow.repeat(value, 1))))
    return None


def _field(field: Any) -> tuple[Any, ...]:
    return (field.name, _type_parts(field.type), field.nullable, field.metadata)


def _type_parts(kind: Any) -> Any:
    """Return a type's name, with what it does not show: metadata inside, an extension's own."""
    pyarrow: Any = library("pyarrow")
    if isinstance(kind, pyarrow.BaseExtensionType):
        serialize: Any = getattr(kind, "__arrow_ext_serialize__", bytes)
        name = (str(kind), kind.extension_name, bytes(serialize()))
        return (*name, _type_parts(kind.storage_type))
    fields = [_field(kind.field(number)) for number in range(kind.num_fields)]
    return (str(kind), fields) if fields else str(kind)


def column_parts(column: Any) -> Digest | Parts:
    """Return the digest or the parts of a column, chunked or not.

    Args:
        column: An `Array` or a `ChunkedArray`.
    """
    types: Any = library("pyarrow.types")
    kind = column.type
    name = str(kind)
    tag = f"column {name} {len(column)}"
    if name in _BITS_OF_TEXTS:
        return _texts(tag, column, _BITS_OF_TEXTS[name])
    if types.is_null(kind):
        return text_leaf(tag, "")
    if (types.is_primitive(kind) and not types.is_boolean(kind)) or types.is_decimal(kind):
        return _fixed_width(tag, column)
    return Parts(tag, _parts_of_others(column))


def _parts_of_others(column: Any) -> tuple[Any, ...]:  # noqa: PLR0911 - one for each kind
    """Return the parts of a column whose memory is not in one piece, or not its values alone."""
    types: Any = library("pyarrow.types")
    kind, whole = column.type, _in_one_piece(column)
    if whole is None:
        return (_type_parts(kind), *map(column_parts, _pieces(column)))
    if types.is_union(kind):
        return (_type_parts(kind), whole.type_codes, *_fields_of_union(whole))
    if types.is_run_end_encoded(kind):
        # Python's own times have no nanoseconds.
        return (_type_parts(kind), column_parts(library("pyarrow.compute").run_end_decode(whole)))
    if isinstance(whole, library("pyarrow").ExtensionArray):
        return (_type_parts(kind), column_parts(whole.storage))
    if types.is_dictionary(kind):
        return (column_parts(whole.dictionary), column_parts(whole.indices))
    if types.is_boolean(kind):
        return (column_parts(whole.cast("uint8")),)
    if types.is_struct(kind):
        fields = zip(kind, whole.flatten(), strict=True)
        inside = [
            part for field, values in fields for part in (_field(field), column_parts(values))
        ]
        return (whole.is_valid() if whole.null_count else None, *inside)
    if types.is_map(kind):
        return (_type_parts(kind), column_parts(_pairs(whole)))
    if any(test(kind) for test in (getattr(types, name) for name in _LISTS)):
        # The bytes below a null are left out.
        return (_type_parts(kind), whole.value_lengths(), column_parts(whole.flatten()))
    return (_type_parts(kind), whole.to_pylist())


def _fields_of_union(union: Any) -> list[Digest | Parts]:
    """Return the values of each field of a union, without what lies below those of others."""
    compute: Any = library("pyarrow.compute")
    found: list[Digest | Parts] = []
    for place, code in enumerate(union.type.type_codes):
        is_here = compute.equal(union.type_codes, code)
        values = union.field(place)
        if union.type.mode == "sparse":
            found.append(column_parts(values.filter(is_here)))
        else:
            found.append(column_parts(values.take(union.offsets.filter(is_here))))
    return found


def _pairs(maps: Any) -> Any:
    """Return a column of maps as one of lists of pairs."""
    pyarrow: Any = library("pyarrow")
    pair = pyarrow.struct([maps.type.key_field, maps.type.item_field])
    return maps.cast(pyarrow.list_(pyarrow.field("entries", pair, nullable=False)))


def _in_one_piece(column: Any) -> Any:
    """Return the column as one `Array`; None if it has no chunks, or more than one can hold."""
    pyarrow: Any = library("pyarrow")
    if isinstance(column, pyarrow.ChunkedArray):
        if library("pyarrow.types").is_dictionary(column.type):
            column = column.unify_dictionaries()
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return None if isinstance(column, pyarrow.ChunkedArray) else column


def _pieces(column: Any) -> list[Any]:
    pieces: list[Any] = getattr(column, "chunks", [column])
    return pieces


def _validity(column: Any) -> Iterator[Any]:
    """Yield a byte for each value, if there is any null."""
    if column.null_count:
        yield from map(_is_valid, _pieces(column))


def _is_valid(piece: Any) -> Any:
    numpy: Any = library("numpy")
    bits = piece.buffers()[0]
    if bits is None:
        return numpy.ones(len(piece), "u1")
    found = numpy.unpackbits(numpy.frombuffer(bits, "u1"), bitorder="little")
    return found[piece.offset : piece.offset + len(piece)]


def _fixed_width(tag: str, column: Any) -> Digest:
    code = "f" if str(column.type) in _FLOATS else "u1"
    values = (
        buffer
        for piece in _pieces(column)
        if len(piece)
        for buffer in buffers_of(_values(piece, code))
    )
    return leaf_of_many(f"{tag} {column.null_count}", chain(_validity(column), values))


def _values(piece: Any, code: str) -> Any:
    numpy: Any = library("numpy")
    width = piece.type.byte_width
    start = piece.offset * width
    found = numpy.frombuffer(piece.buffers()[1], "u1")[start : start + len(piece) * width]
    if piece.null_count:
        # The bytes below a null are undefined.
        unit = min(width, _WORD)
        words = found.view(f"u{unit}").reshape(len(piece), width // unit)
        found = (words * _is_valid(piece)[:, None].astype(words.dtype)).reshape(-1).view("u1")
    return found.view(f"f{width}") if code == "f" else found


def _texts(tag: str, column: Any, bits: int) -> Digest:
    found = [_ends_and_content(piece, bits) for piece in _pieces(column) if len(piece)]
    size = sum(len(content) for _, content in found)
    dtype = "i4" if size < 1 << 31 else "i8"
    all_ends: list[Any] = []
    done = 0
    for ends, content in found:
        # As if all were one piece.
        first = int(ends[0])
        same = first == done and ends.dtype == dtype
        all_ends.append(ends[1:] if same else ends[1:].astype(dtype) + (done - first))
        done += len(content)
    contents = [content for _, content in found]
    return leaf_of_many(f"{tag} {column.null_count}", chain(_validity(column), all_ends, contents))


def _ends_and_content(piece: Any, bits: int) -> tuple[Any, Any]:
    """Return where each text starts and the last one ends, and the texts, without a copy."""
    ends, content = _offsets(piece, bits)
    if piece.null_count and _is_any_long(ends, _is_valid(piece)):
        # The texts below a null are undefined.
        ends, content = _offsets(piece.fill_null("" if "string" in str(piece.type) else b""), bits)
    return ends, content[int(ends[0]) : int(ends[-1])]


def _offsets(piece: Any, bits: int) -> tuple[Any, Any]:
    numpy: Any = library("numpy")
    _, offsets, content = piece.buffers()
    ends = numpy.frombuffer(offsets, f"i{bits // 8}")
    return ends[piece.offset : piece.offset + len(piece) + 1], numpy.frombuffer(
        content or b"", "u1"
    )


def _is_any_long(ends: Any, is_valid: Any) -> bool:
    """Tell whether any text below a null has a length."""
    return bool(((ends[1:] != ends[:-1]) > is_valid).any())
