"""Records: what is known of a target, such as when it was made and from which arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx.stores.record import Record, read

if TYPE_CHECKING:
    from prefectx._values.item import Item

__all__ = ["Record", "record_of"]


def record_of(item: Item[Any]) -> Record | None:
    """Return what is known of an item's target.

    Args:
        item: The Item that a call gave, or `task.item(…)`.

    Returns:
        The record, or None if there is none, as for a file that was dropped in by hand.

    Example:
        >>> record_of(item("working/row_filter/a")) is None
        True
    """
    return read(item.store, item.target)
