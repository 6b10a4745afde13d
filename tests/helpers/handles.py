"""Items, records and flow runs behind what a call returns, whose type says data in every mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from prefectx import Item
from prefectx.records import Record, record_of

if TYPE_CHECKING:
    from uuid import UUID

T = TypeVar("T")


def item_of(output: T) -> Item[T]:
    """Return the Item that a call in a caching mode has returned."""
    handle: object = output
    assert isinstance(handle, Item)
    return handle


def recorded(output: object) -> Record:
    """Return the record of what a call has returned, which must have one."""
    record = record_of(item_of(output))
    assert record is not None
    return record


def flow_run_id_of(state: object) -> UUID:
    """Return the id of the flow run that has ended in a state of Prefect's."""
    from prefect import State

    assert isinstance(state, State)
    assert state.state_details.flow_run_id is not None
    return state.state_details.flow_run_id
