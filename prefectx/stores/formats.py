"""How a value becomes a file and a file a value: one format a suffix."""

from __future__ import annotations

import json
import os
import pickle
import re
from collections.abc import Callable
from typing import IO, Any, Final, NamedTuple

from prefectx.errors import TemplateError, UnsupportedValue
from prefectx.tree import type_of

Loader = Callable[[IO[bytes]], Any]
Dumper = Callable[[Any, IO[bytes]], None]


class Format(NamedTuple):
    """How one kind of file is read and written."""

    load: Loader
    dump: Dumper


_SUFFIX: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")


def format_of(target: str) -> Format:
    """Return the format that the target's suffix picks; pickle if it picks none."""
    return _formats.get(os.path.splitext(target)[1], _PICKLE)


def check_suffix(literal: str, source: str) -> None:
    """Raise `TemplateError` if a template ends in a literal suffix that no format serves."""
    match = _SUFFIX.search(literal)
    if match is None or match.group() in _formats:
        return
    msg = (
        f"{source}: there is no format for {match.group()!r}. Use one of"
        f" {', '.join(sorted(_formats))}, add one with prefectx.stores.register_format, or let"
        " the function write the file itself with store=None."
    )
    raise TemplateError(msg)


def register_format(suffix: str, load: Loader, dump: Dumper) -> None:
    """Let targets that end in `suffix` be read by `load` and written by `dump`.

    Args:
        suffix: With its dot, as in `".ini"`.
        load: Takes a binary file that is open for reading, returns the value.
        dump: Takes the value and a binary file that is open for writing. It must raise
            `UnsupportedValue` for a value that `load` would not give back unchanged.

    Raises:
        TemplateError: `suffix` is not a dot followed by letters and digits.

    Example:
        >>> register_format(
        ...     ".upper",
        ...     load=lambda file: file.read().decode().lower(),
        ...     dump=lambda value, file: file.write(value.upper().encode()),
        ... )
    """
    if _SUFFIX.fullmatch(suffix) is None:
        msg = f"register_format: {suffix!r} is not a dot followed by at most ten letters and digits"
        raise TemplateError(msg)
    _formats[suffix] = Format(load, dump)


def _dump_pickle(value: Any, file: IO[bytes]) -> None:
    try:
        pickle.dump(value, file, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        msg = f"a value of type {type(value).__qualname__} cannot be pickled: {error}"
        raise UnsupportedValue(msg) from error


def _dump_json(value: Any, file: IO[bytes]) -> None:
    try:
        _check_json(value, "value")
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1)
        file.write(text.encode())
    except (ValueError, RecursionError) as error:
        msg = f"JSON cannot give this value back: {error}"
        raise UnsupportedValue(msg) from error


def _check_json(value: Any, where: str) -> None:
    kind = type_of(value)
    if kind is dict:
        for key, element in value.items():
            if type(key) is not str:
                msg = (
                    f"JSON would change the key {key!r} of {where} into a str; use pickle"
                    " (no suffix)"
                )
                raise UnsupportedValue(msg)
            _check_json(element, f"{where}[{key!r}]")
    elif kind is list:
        for index, element in enumerate(value):
            _check_json(element, f"{where}[{index}]")
    elif kind not in {str, int, float, bool, type(None)}:
        msg = f"JSON would change {where}, a {kind.__qualname__}; use pickle (no suffix)"
        raise UnsupportedValue(msg)


def _load_json(file: IO[bytes]) -> Any:
    return json.loads(file.read())


def _dump_text(value: Any, file: IO[bytes]) -> None:
    if type(value) is not str:
        msg = f"a .txt target takes a str, not a {type(value).__qualname__}; use pickle (no suffix)"
        raise UnsupportedValue(msg)
    try:
        file.write(value.encode())
    except UnicodeEncodeError as error:
        msg = f"this text cannot be written as UTF-8: {error}; use pickle (no suffix)"
        raise UnsupportedValue(msg) from error


def _load_text(file: IO[bytes]) -> str:
    return file.read().decode()


def _dump_bytes(value: Any, file: IO[bytes]) -> None:
    if type(value) is not bytes:
        msg = (
            f"a .bytes target takes bytes, not a {type(value).__qualname__}; use pickle (no suffix)"
        )
        raise UnsupportedValue(msg)
    file.write(value)


def _load_bytes(file: IO[bytes]) -> bytes:
    return file.read()


_PICKLE: Final = Format(pickle.load, _dump_pickle)

_formats: Final[dict[str, Format]] = {
    ".pkl": _PICKLE,
    ".json": Format(_load_json, _dump_json),
    ".txt": Format(_load_text, _dump_text),
    ".bytes": Format(_load_bytes, _dump_bytes),
}
