"""The round-trip check: refuses what a format would change, with the path and a better suffix."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import IO, Any, Final

from prefectx._types import type_of
from prefectx._words import with_article
from prefectx.errors import MissingExtra, UnsupportedValue
from prefectx.stores.formats.format import Dumper

#: Says what differs between a value and what was read back, or None.
Judge = Callable[[Any, Any], str | None]

PICKLE_SERVES: Final = "use pickle (no suffix)"

_SERVING: Final = {
    "numpy.ndarray": ".npy",
    "pandas.DataFrame": ".parquet",
    "polars.DataFrame": ".parquet",
    "pyarrow.Table": ".parquet",
    "PIL.Image": ".png",
    "str": ".txt",
    "bytes": ".bytes",
}


def kind_of(value: Any) -> str:
    """Return a type's package and name, as in `"pandas.DataFrame"`; only the name of Python's."""
    kind = type_of(value)
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}".removeprefix("builtins.")


def serving(value: Any) -> str:
    """Return the advice for a value of a type that a format does not take."""
    suffix = _SERVING.get(kind_of(value))
    return f"use {suffix} or pickle (no suffix)" if suffix else PICKLE_SERVES


def other_type(suffix: str, takes: str, value: Any) -> UnsupportedValue:
    """Return the error for a value of a type that the suffix does not take."""
    msg = f"a {suffix} target takes {takes}, not {with_article(kind_of(value))}; {serving(value)}"
    return UnsupportedValue(msg)


def proving(
    suffix: str,
    write: Dumper,
    read: Callable[[BytesIO], Any],
    judge: Judge,
    advice: Callable[[Any], str] = lambda _: PICKLE_SERVES,
) -> Dumper:
    """Return a dumper that reads back what it wrote, before any of it reaches the file.

    Args:
        suffix: What messages call the format.
        write: Writes the value.
        read: Reads it.
        judge: Says what differs.
        advice: Says of a refused value which suffix would serve.
    """

    def dump(value: Any, file: IO[bytes]) -> None:
        content = BytesIO()
        try:
            write(value, content)
            content.seek(0)
            changed = judge(value, read(content))
        except (MemoryError, MissingExtra, UnsupportedValue):
            raise
        except Exception as error:
            # Libraries raise anything here, OSError too: no disk is involved.
            msg = f"{suffix} cannot give this {kind_of(value)} back: {error}; {advice(value)}"
            raise UnsupportedValue(msg) from error
        if changed:
            msg = f"{suffix} would change {changed}; {advice(value)}"
            raise UnsupportedValue(msg)
        file.write(content.getbuffer())

    return dump


def serves(dump: Dumper, value: Any) -> bool:
    """Tell whether a format takes the value, by trying."""
    try:
        dump(value, BytesIO())
    except (MissingExtra, UnsupportedValue):
        return False
    return True
