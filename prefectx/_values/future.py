"""Finished futures and states: results of `.submit` in modes without a background."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from prefectx._values.tracebacks import hide_own_frames, own_frames_hidden

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    T_co = TypeVar("T_co", covariant=True)

    class Handle(Protocol[T_co]):
        """An object that `load` replaces by data of a known type: an Item, a future, …."""

        def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> T_co: ...


class StateType(str, Enum):  # noqa: UP042 - a StrEnum has another str, Prefect's is as here
    """The type of a state: equal to its name, and to that of Prefect's `StateType`."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class State(Generic[T]):
    """The state that a task or flow has ended in, with the methods of Prefect's `State`."""

    __slots__ = ("_error", "data", "message", "name", "type")

    def __init__(
        self,
        type: StateType,  # noqa: A002 - Prefect's name for it
        name: str,
        data: T | BaseException | None = None,
        error: BaseException | None = None,
        message: str | None = None,
    ) -> None:
        self.type = type
        self.name = name
        self.data = data
        self.message = message
        self._error = error

    def result(self, raise_on_failure: bool = True) -> T:
        """Return the data, or raise the run's exception.

        Args:
            raise_on_failure: `False` returns the exception instead of raising it.
        """
        if self._error is not None and raise_on_failure:
            with own_frames_hidden:
                raise self._error
        return self.data  # type: ignore[return-value]

    def is_completed(self) -> bool:
        """Tell whether the run has succeeded."""
        return self.type == StateType.COMPLETED

    def is_failed(self) -> bool:
        """Tell whether the run has raised."""
        return self.type == StateType.FAILED

    def is_crashed(self) -> bool:
        """Return False: without Prefect, a run cannot crash."""
        return False

    def is_pending(self) -> bool:
        """Tell whether the run did not start, because a task that it needs has failed."""
        return self.type == StateType.PENDING

    def is_cancelled(self) -> bool:
        """Return False: without Prefect, nobody cancels a run."""
        return False

    def is_cancelling(self) -> bool:
        """Return False, as for `is_cancelled`."""
        return False

    def is_paused(self) -> bool:
        """Return False: without Prefect, a run cannot pause."""
        return False

    def is_running(self) -> bool:
        """Return False: without Prefect, a run has ended before its state is seen."""
        return False

    def is_scheduled(self) -> bool:
        """Return False: without Prefect, there are no schedules."""
        return False

    def is_final(self) -> bool:
        """Tell whether the run has ended."""
        return self.type != StateType.PENDING

    def __repr__(self) -> str:
        return f"{self.name}(type={self.type.value}, message={self.message!r})"


def completed(data: T, name: str = "Completed") -> State[T]:
    """Return the state of a run that has returned `data`."""
    return State(StateType.COMPLETED, name, data)


def failed(error: BaseException, *, of_flow: bool = False) -> State[Any]:
    """Return the state of a run that has raised `error`, with Prefect's message.

    Args:
        error: The exception.
        of_flow: Whether it is the run of a flow.
    """
    hide_own_frames(error)
    kind = "Flow run encountered an exception:" if of_flow else "Task run encountered an exception"
    message = f"{kind} {error.__class__.__name__}: {error}"
    return State(StateType.FAILED, "Failed", error, error, message)


def not_ready(error: BaseException) -> State[Any]:
    """Return the state of a run that did not start, because a task it needs raised `error`."""
    # Prefect's message names the id of a run, which there is not.
    kind = error.__class__.__name__
    message = f"Upstream task run did not reach a 'COMPLETED' state: {kind}: {error}"
    return State(StateType.PENDING, "NotReady", None, error, message)


class Future(Generic[T]):
    """A future that has finished, with the methods of Prefect's futures."""

    __slots__ = ("__weakref__", "state")

    def __init__(self, state: State[T]) -> None:
        self.state = state

    def wait(self, timeout: float | None = None) -> None:
        """Return at once: the future has finished."""

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> T:  # noqa: ARG002
        """Return the task's result, or raise its exception.

        Args:
            timeout: Unused: the future has finished.
            raise_on_failure: `False` returns the exception instead of raising it.
        """
        with own_frames_hidden:
            return self.state.result(raise_on_failure)

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Call `fn` with this future at once."""
        fn(self)

    def __repr__(self) -> str:
        return f"Future({self.state!r})"


class FutureList(list[Future[T]]):
    """The futures that `.map` returns."""

    def wait(self, timeout: float | None = None) -> None:
        """Wait until each future has finished, for at most `timeout` seconds."""
        for future in self:
            future.wait(timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[T]:
        """Return the results in order, or raise the first exception.

        Args:
            timeout: The maximal time to wait for each future, in seconds.
            raise_on_failure: `False` returns exceptions instead of raising them.
        """
        with own_frames_hidden:
            return [future.result(timeout, raise_on_failure) for future in self]
