"""Outcomes of task runs: small ones are sent to the client, large ones stay on the worker."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from prefectx._values.item import is_item

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


class Outcome(ABC):
    """The final state of a task run. Dask uses its size, including the data.

    Args:
        size: Its size in bytes.
    """

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size

    @property
    @abstractmethod
    def state(self) -> State[Any]:
        """The state."""

    def __sizeof__(self) -> int:
        return self.size


class PickledOutcome(Outcome):
    """A small outcome, which the client fetches at once, so that the worker can release it.

    Args:
        content: The pickled state, which takes a fifth of the state's memory.
    """

    __slots__ = ("content",)

    def __init__(self, content: bytes) -> None:
        super().__init__(len(content))
        self.content = content

    @property
    def state(self) -> State[Any]:
        """The state, unpickled at each access."""
        state: State[Any] = pickle.loads(self.content)
        return state

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.content,))


class LocalOutcome(Outcome):
    """An outcome that holds its state in this process.

    Args:
        state: The state.
        size: Its size in bytes.
    """

    __slots__ = ("_state",)

    def __init__(self, state: State[Any], size: int = 0) -> None:
        super().__init__(size)
        self._state = state

    @property
    def state(self) -> State[Any]:
        """The state."""
        return self._state

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._state, self.size))


class WorkerOutcome(LocalOutcome):
    """A large outcome of a completed run, which stays on its worker."""

    __slots__ = ()


def state_data(state: State[Any]) -> Any:
    """Return the data of a state: the task's result or exception."""
    # A state may hold a result record, whose data is its `result`; but an Item has one too.
    return state.data if is_item(state.data) else getattr(state.data, "result", state.data)
