"""The fields of a record, read from a text that may hold anything: each has its type, or none is.

A record lies in a file, in a row or with an output, where other versions, other programs and faults
of the disk write too. What does not have the form of a record is no record.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from prefectx._types import is_dict, is_list, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def fields_of(text: str | bytes) -> dict[str, Any] | None:
    """Return the fields in the text of a record or in a line of the journal.

    Args:
        text: The text, which may hold anything.

    Returns:
        The fields, each of the type that it should have; None if the text is no record.
    """
    try:
        # As text: of bytes, the encoding would be guessed for each line.
        whole = (text.decode() if isinstance(text, bytes) else text).strip()
        fields, end = _decode(whole)
        is_sound = end == len(whole) and is_dict(fields) and _are_sound(fields)
    except (ValueError, RecursionError):
        # Not JSON, not UTF-8, a number of 5,000 digits, nested 3,000 deep.
        return None
    return fields if is_sound else None


# The same as `json.loads` without its checks of the argument, which take a fifth of its time.
_decode: Final = json.JSONDecoder().raw_decode


def _are_sound(fields: dict[str, Any]) -> bool:
    # In one loop, without a call for most fields: a journal may have a million lines.
    for name, value in fields.items():
        kinds = _KINDS.get(name)
        if kinds is not None:
            if type(value) not in kinds:
                return False
        elif (check := _CHECKS.get(name)) is not None and not check(value):
            return False
    return True


def _is_text(value: Any) -> bool:
    return type_of(value) is str


def _is_time(value: Any) -> bool:
    if type_of(value) is not str:
        return False
    # Raises a ValueError for other texts: "x" would come after each time.
    return datetime.fromisoformat(value).tzinfo is not None


def _is_duration(value: Any) -> bool:
    # False for nan, for infinity, and for what is no number at all.
    return type_of(value) in {int, float} and 0 <= value < _MOST_SECONDS


def _each(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def check_dict(value: Any) -> bool:
        return value is None or (is_dict(value) and all(map(check, value.values())))

    return check_dict


def _is_texts(value: Any) -> bool:
    return value is None or (is_list(value) and all(map(_is_text, value)))


def _is_fingerprint(value: Any) -> bool:
    return value is None or (is_list(value) and list(map(type_of, value)) == [int, int, str])


def _is_argument(value: Any) -> bool:
    """Tell whether this is an argument as records keep it."""
    if not is_dict(value):
        return type_of(value) is str
    needed = {"target", "root"} if "target" in value else {"text"}
    return value.keys() >= needed and _are_texts(value.values())


def _is_shape(value: Any) -> bool:
    if value is None:
        return True
    if not is_dict(value):
        return False
    if "rows" not in value:
        return is_list(value.get("shape")) and type_of(value.get("dtype")) is str
    counts = value["rows"], value.get("columns")
    return all(type_of(count) is int for count in counts) and is_dict(value.get("dtypes"))


def _are_texts(values: Iterable[Any]) -> bool:
    return all(map(_is_text, values))


_MOST_SECONDS: Final = 1e12
_TEXT: Final[frozenset[type]] = frozenset({str})
_OPTIONAL_TEXT: Final[frozenset[type]] = frozenset({str, type(None)})

_KINDS: Final[dict[str, frozenset[type]]] = {
    **dict.fromkeys(("task", "call", "python", "code", "target", "flow", "traceback"), _TEXT),
    **dict.fromkeys(("inputs", "by", "host", "file", "contents", "base_from"), _OPTIONAL_TEXT),
    **dict.fromkeys(("key", "failed", "accepted"), _OPTIONAL_TEXT),
    "complete": frozenset({bool}),
    "bytes": frozenset({int, type(None)}),
}

_CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    "made": _is_time,
    "output_made": lambda value: value is None or _is_time(value),
    "seconds": _is_duration,
    "args": _each(_is_argument),
    "args_code": _each(_is_text),
    "files": _each(_is_fingerprint),
    "output": _is_fingerprint,
    **dict.fromkeys(("upstream", "tasks", "parameters"), _is_texts),
    "shape": _is_shape,
}
