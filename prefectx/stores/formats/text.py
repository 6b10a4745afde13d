"""What Python itself reads and writes without running code: JSON, text, bytes."""

from __future__ import annotations

import json
from typing import IO, Any, Final

from prefectx._values.containers import type_of
from prefectx.errors import UnsupportedValue
from prefectx.stores.formats.format import Format


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


JSON: Final = Format(_load_json, _dump_json)
TEXT: Final = Format(_load_text, _dump_text)
BYTES: Final = Format(_load_bytes, _dump_bytes)
