"""Iterators among a call's arguments, hidden from Prefect, which would use them up."""

from __future__ import annotations

from typing import Any

from prefectx._runners.prefect.assembly import is_taken_apart, put_together
from prefectx._values.containers import replace
from prefectx._values.handles import is_iterator, is_state
from prefectx._values.item import is_handle, settle


class HiddenIterator:
    """A wrapper of an iterator, in which Prefect does not look."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def hide_iterator(value: Any) -> Any:
    """Wrap an iterator; return other values unchanged."""
    return HiddenIterator(value) if is_iterator(value) else value


def settle_and_unhide(value: Any) -> Any:
    """Return `value` as the caller has passed it, with results in place of futures."""
    return replace(value, _unhide)


def _unhide(value: Any) -> Any:
    if isinstance(value, HiddenIterator):
        return value.value
    if is_taken_apart(value):
        return put_together(value, _unhide)
    if is_state(value) and not value.is_final():
        # A part of what Prefect was told not to look into: `opaque(flow_run)`.
        return value
    return settle(value) if is_handle(value) else value
