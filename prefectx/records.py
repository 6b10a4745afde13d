"""Records of targets, such as the time when each was made, and the arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx.stores.record import Record, read

if TYPE_CHECKING:
    from prefectx._values.item import Item

__all__ = ["Record", "record_of"]


def record_of(item: Item[Any]) -> Record | None:
    """Return the record of an item's target.

    Args:
        item: The Item that a call has returned, or `task.item(…)`.

    Returns:
        The record; None if there is none, as for a file that was copied there by hand.

    Example:
        >>> record_of(item("working/row_filter/a")) is None
        True
    """
    return read(item.store, item.target)
