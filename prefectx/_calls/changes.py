"""The differences between a call and the record of an earlier one: arguments and code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefectx.stores import journal

if TYPE_CHECKING:
    from prefectx._calls.call import Call
    from prefectx.stores.record import Record


def changed_arguments(call: Call, record: Record) -> list[str]:
    """Return the names of the arguments that differ from those in a record."""
    before, now = record.args, call.kept_arguments()
    if before is None:
        return []
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def changed_code(call: Call, record: Record) -> list[str]:
    """Return the names of the functions, classes and constants that have changed since.

    Names of the task's own module are without the module. The list is empty if the store keeps no
    journal.
    """
    root = None if call.item is None else journal.root_of(call.item.store)
    if root is None:
        return []
    names = journal.changed_parts(root, record.code, call.task.code_parts)
    module = call.task.qualified_name.removesuffix(call.task.__qualname__)
    return [name.removeprefix(module) for name in names]
