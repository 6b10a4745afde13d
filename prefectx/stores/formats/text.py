"""The formats that Python itself reads without running code: JSON, text, bytes."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import chain
from operator import methodcaller
from typing import IO, Any, Final

from prefectx._types import type_of
from prefectx._words import with_article
from prefectx.errors import UnsupportedValue
from prefectx.stores.formats.format import Format

_JSON_KINDS: Final[frozenset[type[Any]]] = frozenset(
    {str, int, float, bool, type(None), list, dict}
)

_VALUES: Final = methodcaller("values")

# One element a line, for people and for diffs: an indentation would take json's slow encoder.
_encode_json: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",\n", ": ")
).encode


def _dump_json(value: Any, file: IO[bytes]) -> None:
    try:
        content = _encode_json(value).encode()
        if not _is_json(value):
            _check_json(value, "value")
    except UnsupportedValue:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        with suppress(RecursionError):
            _check_json(value, "value")
        msg = f"JSON cannot give this value back: {error}"
        raise UnsupportedValue(msg) from error
    file.write(content)


def _is_json(value: Any) -> bool:
    """Tell whether a value that JSON can write holds nothing that it would change.

    All values of one depth at once: to look at each by itself takes longer than to write it.
    """
    level: list[Any] = [value]
    while level:
        kinds = set(map(type_of, level))
        if not kinds <= _JSON_KINDS:
            return False
        dicts: list[Any] = _of_kind(dict, level) if dict in kinds else []
        if not {str}.issuperset(map(type_of, chain.from_iterable(dicts))):
            return False
        lists = _of_kind(list, level) if list in kinds else []
        level = [*chain.from_iterable(lists), *chain.from_iterable(map(_VALUES, dicts))]
    return True


def _of_kind(kind: type[Any], values: list[Any]) -> list[Any]:
    return [value for value in values if type_of(value) is kind]


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
    elif kind not in _JSON_KINDS:
        name = with_article(kind.__qualname__)
        msg = f"JSON would change {where}, {name}; use pickle (no suffix)"
        raise UnsupportedValue(msg)


def _load_json(file: IO[bytes]) -> Any:
    return json.loads(file.read())


def _dump_text(value: Any, file: IO[bytes]) -> None:
    if type(value) is not str:
        kind = with_article(type(value).__qualname__)
        msg = f"a .txt target takes a str, not {kind}; use pickle (no suffix)"
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
        kind = with_article(type(value).__qualname__)
        msg = f"a .bytes target takes bytes, not {kind}; use pickle (no suffix)"
        raise UnsupportedValue(msg)
    file.write(value)


def _load_bytes(file: IO[bytes]) -> bytes:
    return file.read()


JSON: Final = Format(_load_json, _dump_json)
TEXT: Final = Format(_load_text, _dump_text)
BYTES: Final = Format(_load_bytes, _dump_bytes)
