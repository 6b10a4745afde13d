"""The fields of a record, read from a text that may hold anything: each has its type, or none is.

A record lies in a file, in a row or with an output, where other versions, other programs and faults
of the disk write too. What does not have the form of a record is no record.
"""

from __future__ import annotations

import json
from datetime import datetime
from itertools import chain
from operator import methodcaller
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from prefectx._types import is_dict, is_list, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


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
    except (ValueError, RecursionError):
        # Not JSON, not UTF-8, a number of 5,000 digits, nested 3,000 deep.
        return None
    return fields if end == len(whole) and is_dict(fields) and _are_sound(fields) else None


# The same as `json.loads` without its checks of the argument, which take a fifth of its time.
_decode: Final = json.JSONDecoder().raw_decode


def fields_of_each(lines: Sequence[bytes]) -> Iterable[dict[str, Any] | None]:
    """Return what `fields_of` returns for each of many lines, in less than half of the time."""
    try:
        # Parsed at once, the names of the fields are made once, not once a line.
        found: list[object] = json.loads(f"[{b','.join(lines).decode()}]")
    except (ValueError, RecursionError):
        return map(fields_of, lines)
    # Where a line is no value by itself, or one is no record, each is looked at.
    if len(found) == len(lines) and _are_dicts(found) and _are_all_sound(found):
        return found
    return map(fields_of, lines)


def _are_sound(fields: dict[str, Any]) -> bool:
    # In one loop, without a call for most fields: a hit may read a record.
    for name, value in fields.items():
        # A later version may know more of a target.
        if (known := _CHECKS.get(name)) is not None:
            if type(value) not in known:
                return False
            if (check := known[type(value)]) is not None and not check((value,)):
                return False
    return True


def _are_all_sound(records: Iterable[dict[str, Any]]) -> bool:
    """Tell whether all of many records are sound: by column, for records of the same fields."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for fields in records:
        alike.setdefault(tuple(fields), []).append(fields)
    return all(
        _is_column_sound(name, values)
        for names, rows in alike.items()
        for name, values in zip(names, zip(*map(_values, rows), strict=True), strict=True)
    )


def _is_column_sound(name: str, values: Sequence[Any]) -> bool:
    known = _CHECKS.get(name)
    if known is None:
        return True
    kinds = set(map(type_of, values))
    if not known.keys() >= kinds:
        return False
    for kind in kinds:
        check = known[kind]
        if check is None:
            continue
        if not check(values if len(kinds) == 1 else [one for one in values if type(one) is kind]):
            return False
    return True


def _are_times(texts: Iterable[str]) -> bool:
    try:
        return all(time.tzinfo is not None for time in map(datetime.fromisoformat, texts))
    except ValueError:
        # "x" would come after each time.
        return False


def _are_durations(numbers: Iterable[float]) -> bool:
    # False for nan and for infinity.
    return all(0 <= seconds < _MOST_SECONDS for seconds in numbers)


def _are_dicts(values: list[Any]) -> TypeGuard[list[dict[str, Any]]]:
    return set(map(type_of, values)) == {dict}


def _are_texts(values: Iterable[Any]) -> bool:
    return _TEXTS.issuperset(map(type_of, values))


def _are_lists_of_texts(lists: Iterable[list[Any]]) -> bool:
    return _are_texts(chain.from_iterable(lists))


def _are_dicts_of_texts(dicts: Iterable[dict[str, Any]]) -> bool:
    return _are_texts(_values_of(dicts))


def _are_dicts_of_fingerprints(dicts: Iterable[dict[str, Any]]) -> bool:
    found = [one for one in _values_of(dicts) if one is not None]
    return all(map(is_list, found)) and _are_fingerprints(found)


def _are_fingerprints(lists: Iterable[list[Any]]) -> bool:
    return all(list(map(type_of, one)) == [int, int, str] for one in lists)


def _are_dicts_of_arguments(dicts: Iterable[dict[str, Any]]) -> bool:
    return all(type(one) is str or _is_argument(one) for one in _values_of(dicts))


def _values_of(dicts: Iterable[dict[str, Any]]) -> Iterator[Any]:
    return chain.from_iterable(map(_values, dicts))


def _is_argument(value: Any) -> bool:
    """Tell whether this is an argument as records keep it, if not as a text."""
    if not is_dict(value):
        return False
    needed = {"target", "root"} if "target" in value else {"text"}
    return value.keys() >= needed and _are_texts(value.values())


def _are_shapes(dicts: Iterable[dict[str, Any]]) -> bool:
    return all(map(_is_shape, dicts))


def _is_shape(value: dict[str, Any]) -> bool:
    if "rows" not in value:
        return is_list(value.get("shape")) and type_of(value.get("dtype")) is str
    counts = value["rows"], value.get("columns")
    return all(type_of(count) is int for count in counts) and is_dict(value.get("dtypes"))


_values: Final = methodcaller("values")
_MOST_SECONDS: Final = 1e12
_TEXTS: Final = frozenset({str})

# The types that a field may have, with what is to be checked besides for all of its values.
_Checks = dict[type, "Callable[[Any], bool] | None"]
_TEXT: Final[_Checks] = {str: None}
_OPTIONAL_TEXT: Final[_Checks] = {str: None, NoneType: None}
_OPTIONAL_TEXTS: Final[_Checks] = {list: _are_lists_of_texts, NoneType: None}

_CHECKS: Final[dict[str, _Checks]] = {
    **dict.fromkeys(("task", "call", "python", "code", "target", "flow", "traceback"), _TEXT),
    **dict.fromkeys(("inputs", "by", "host", "file", "contents", "base_from"), _OPTIONAL_TEXT),
    **dict.fromkeys(("key", "failed", "accepted"), _OPTIONAL_TEXT),
    **dict.fromkeys(("upstream", "tasks", "parameters"), _OPTIONAL_TEXTS),
    "complete": {bool: None},
    "bytes": {int: None, NoneType: None},
    "made": {str: _are_times},
    "output_made": {str: _are_times, NoneType: None},
    "seconds": {int: _are_durations, float: _are_durations},
    "args": {dict: _are_dicts_of_arguments, NoneType: None},
    "args_code": {dict: _are_dicts_of_texts, NoneType: None},
    "files": {dict: _are_dicts_of_fingerprints, NoneType: None},
    "output": {list: _are_fingerprints, NoneType: None},
    "shape": {dict: _are_shapes, NoneType: None},
}
