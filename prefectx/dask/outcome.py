"""What a task leaves on its worker: a small outcome to fetch, or a large one to keep there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefectx.dask.face import size_of

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

_SMALL: Final = 10_000
"""Bytes of data that travel with the state to the client, asked for or not."""


class Outcome:
    """The final state of a task run. Dask sees how large it is, data and all.

    Args:
        state: The state.
        size: How many bytes it takes.
    """

    __slots__ = ("size", "state")

    def __init__(self, state: State[Any], size: int) -> None:
        self.state = state
        self.size = size

    def __sizeof__(self) -> int:
        return self.size

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.state, self.size))


class Settled(Outcome):
    """A small one: the client fetches it at once, and the worker need not keep it."""

    __slots__ = ()


class Held(Outcome):
    """A large one, of a run that has completed: it stays on the workers, for those who need it."""

    __slots__ = ()


def outcome_of(state: State[Any]) -> Outcome:
    """Return a run's state as what is kept of it on its worker."""
    size = size_of(getattr(state.data, "result", state.data))
    large = size > _SMALL and state.is_completed()
    return (Held if large else Settled)(state, size)
