"""The outcome of a task run on its worker: a small one to fetch, or a large one to keep there."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from prefectx._values.item import is_item

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


class Outcome(ABC):
    """The final state of a task run. Dask sees how large it is, data and all.

    Args:
        size: How many bytes it takes.
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


class Pickled(Outcome):
    """A small outcome: the client fetches it at once, and the worker need not keep it.

    Args:
        content: The pickled state, which takes a fifth of the state's memory.
    """

    __slots__ = ("content",)

    def __init__(self, content: bytes) -> None:
        super().__init__(len(content))
        self.content = content

    @property
    def state(self) -> State[Any]:
        """The state, another one each time."""
        state: State[Any] = pickle.loads(self.content)
        return state

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.content,))


class InHand(Outcome):
    """An outcome whose state is at hand.

    Args:
        state: The state.
        size: How many bytes it takes.
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


class OnWorker(InHand):
    """A large outcome of a completed run: it stays on the workers, for those who need it."""

    __slots__ = ()


def data_of(state: State[Any]) -> Any:
    """Return what a state holds: what the task gave, or raised."""
    # An Item has a `result` as well, which is not what a state's own record of a result is.
    return state.data if is_item(state.data) else getattr(state.data, "result", state.data)
