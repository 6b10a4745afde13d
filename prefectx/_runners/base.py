"""`Runner`: what a mode does with the calls of tasks and flows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from prefectx._values.annotations import is_collection, may_fail, spread
from prefectx._values.future import FutureList
from prefectx._values.item import settle

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from prefectx._naming.decorated import AnyFlow, AnyTask

    Args = tuple[Any, ...]
    Kwargs = dict[str, Any]


class Runner(ABC):
    """One mode. `args` and `kwargs` are as the caller gave them, a method's owner first.

    `kwargs` may hold `return_state` and `wait_for` too.
    """

    #: Whether a call that is plainly done need not come here: `Naming.hit` gives its Item.
    asks_first: ClassVar[bool] = False

    @abstractmethod
    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task; return what the mode gives, or a coroutine of it for an async task."""

    @abstractmethod
    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Start the task; return a future."""

    @abstractmethod
    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Run the flow; return its result, or a coroutine of it for an async flow."""

    @abstractmethod
    def logger(self) -> Any:
        """Return the logger of the run that is under way."""

    @abstractmethod
    def tags(self, *names: str) -> AbstractContextManager[Any]:
        """Return a context manager that gives tags to the runs started within."""

    def become_task(self, task: AnyTask) -> None:  # noqa: B027 - nothing, without Prefect
        """Make `task` what tasks are in this mode."""

    def become_flow(self, flow: AnyFlow) -> None:  # noqa: B027 - nothing, without Prefect
        """Make `flow` what flows are in this mode."""

    def map(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Start the task once for each element; return the futures, or the states."""
        common: Kwargs = {
            key: kwargs.pop(key) for key in ("return_state", "wait_for") if key in kwargs
        }
        rows = spread(
            task.name, tuple(map(_mapped, args)), {k: _mapped(v) for k, v in kwargs.items()}
        )
        started = [self.submit(task, row, {**named, **common}) for row, named in rows]
        return started if common.get("return_state") else FutureList(started)


def _mapped(value: Any) -> Any:
    """Return an argument of `.map` with the result in place of a future, to see its length."""
    if is_collection(value) or may_fail(value):
        return value
    return settle(value)
