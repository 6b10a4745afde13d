"""`Runner`: the base class of modes, which run the calls of tasks and flows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from prefectx._naming.options import pop_call_keywords
from prefectx._values.annotations import is_collection, may_fail, spread
from prefectx._values.future import FutureList
from prefectx._values.item import settle, settle_futures

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from prefectx._naming.decorated import AnyFlow, AnyTask

    Args = tuple[Any, ...]
    Kwargs = dict[str, Any]


class Runner(ABC):
    """One mode. `args` and `kwargs` are the caller's, with a method's object first.

    `kwargs` may also have `return_state` and `wait_for`.
    """

    @abstractmethod
    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task; return data or an Item, or a coroutine for an async task."""

    @abstractmethod
    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Start the task; return a future."""

    @abstractmethod
    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Run the flow; return its result, or a coroutine of it for an async flow."""

    @abstractmethod
    def logger(self) -> Any:
        """Return the logger of the current run."""

    @abstractmethod
    def tags(self, *names: str) -> AbstractContextManager[Any]:
        """Return a context manager that adds tags to the runs that are started within it."""

    def upgrade_task(self, task: AnyTask) -> None:  # noqa: B027 - nothing, without Prefect
        """Make `task` a `prefect.Task` in a Prefect mode."""

    def upgrade_flow(self, flow: AnyFlow) -> None:  # noqa: B027 - nothing, without Prefect
        """Make `flow` a `prefect.Flow` in a Prefect mode."""

    def settle_returned(self, value: Any) -> Any:
        """Return what a flow's body has returned, with futures replaced by their results."""
        return settle_futures(value)

    def map(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Start the task once for each element; return the futures, or the states."""
        common = pop_call_keywords(kwargs)
        rows = spread(
            task.name,
            tuple(map(_with_results, args)),
            {k: _with_results(v) for k, v in kwargs.items()},
        )
        started = [self.submit(task, row, {**named, **common}) for row, named in rows]
        return started if common.get("return_state") else FutureList(started)


def _with_results(value: Any) -> Any:
    """Return an argument of `.map` with futures replaced by results, to get its length."""
    if is_collection(value) or may_fail(value):
        return value
    return settle(value)
