"""The differences between a call and the record of an earlier one: arguments, code and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.file_fingerprint import is_unchanged
from prefectx.stores import journal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefectx._calls.call import Call
    from prefectx.stores.record import Record

_MOST_NAMES: Final = 3


def difference(call: Call, record: Record) -> str:
    """Return in words how a target was made otherwise than this call would; "" if it was not."""
    if record.key not in {None, call.identity.key} and not has_renamed_parameters(call, record):
        names = _in_brackets("other arguments", changed_arguments(call, record))
        return f"was made by another call: {record.call}, now {call.summary}{names}"
    if record.code != call.task.code.hash:
        names = _in_brackets("changed", changed_code(call, record))
        return f"was made by another version of the task {call.task.name!r}{names}"
    if changed := arguments_with_other_code(call, record):
        names = _in_brackets("changed", changed_code_of(call, record, changed[0]))
        return f"was made with other code in the argument {changed[0]!r}{names}"
    if changed := changed_files(record):
        return f"is older than its input {changed[0]!r}"
    return ""


def has_other_code(call: Call, record: Record) -> bool:
    """Tell whether the task's code has changed, or that of functions and objects it is given."""
    return record.code != call.task.code.hash or bool(arguments_with_other_code(call, record))


def arguments_with_other_code(call: Call, record: Record) -> list[str]:
    """Return the names of the arguments whose functions or classes have changed since."""
    before, now = record.args_code or {}, call.code_of_arguments()
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def changed_files(record: Record) -> list[str]:
    """Return the input files that have changed since the output was made."""
    return [path for path, found in (record.files or {}).items() if not is_unchanged(path, found)]


def changed_arguments(call: Call, record: Record) -> list[str]:
    """Return the names of the arguments that differ from those in a record."""
    before, now = record.args, call.recorded_arguments()
    if before is None:
        return []
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def has_renamed_parameters(call: Call, record: Record) -> bool:
    """Tell whether the arguments are the same, and only the names of parameters have changed."""
    before, now = record.args, call.recorded_arguments()
    if before is None or {*before} == {*now}:
        return False
    return list(before.values()) == list(now.values()) and all(map(_is_whole, now.values()))


def _is_whole(kept: Any) -> bool:
    """Tell whether the record has all of an argument: not a short text alone."""
    return isinstance(kept, str) or not {"target", "pickle", "fingerprint"}.isdisjoint(kept)


def changed_code(call: Call, record: Record) -> list[str]:
    """Return the names of the functions, classes and constants that have changed since.

    Names of the task's own module are without the module. The list is empty if the store keeps no
    journal.
    """
    return _changed_parts(call, record.code, call.task.code.parts)


def changed_code_of(call: Call, record: Record, argument: str) -> list[str]:
    """Return the same for the functions and classes in an argument."""
    before = (record.args_code or {}).get(argument, "")
    return _changed_parts(call, before, call.identity.code.get(argument, {}))


def _changed_parts(call: Call, before: str, now: Mapping[str, str]) -> list[str]:
    root = None if call.item is None else call.item.store.journal_root()
    if root is None:
        return []
    names = journal.changed_parts(root, before, now)
    module = call.task.qualified_name.removesuffix(call.task.__qualname__)
    return [name.removeprefix(module) for name in names]


def _in_brackets(what: str, names: list[str]) -> str:
    """Return ` (what: a, b)`, with the first names only; "" for no names."""
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return f" ({what}: {', '.join(names[:_MOST_NAMES])}{more})"
