"""The `prefect.Task` behind a task, and what Prefect's engine calls in place of its function."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import prefect
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.states import Completed

from prefectx._calls.call import Call, execute
from prefectx._calls.child_jobs import Execution
from prefectx._calls.run import in_task, task_body
from prefectx._isolation.parent import aexecuted_apart, executed_apart
from prefectx._logs.handlers import logging_as, wanted
from prefectx._logs.progress import StillRunning, interval
from prefectx._runners.prefect.logs import connect, run_logger
from prefectx._settings.context import context_names, replaced_context
from prefectx._settings.mode import use_mode
from prefectx._settings.options import prefect_options
from prefectx._values.containers import replace
from prefectx._values.item import is_handle, settle

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Self

    from prefectx._api.task import Task
    from prefectx._logs.selection import Wanted
    from prefectx._settings.mode import Mode
    from prefectx._values.item import Item


class PrefectTask(prefect.Task[..., Any]):
    """A task as Prefect sees it; made for one call, it also carries what holds at that call."""

    def __init__(self, task: Task[..., Any]) -> None:
        super().__init__(task.fn, **prefect_options(task.options))
        self.task = task
        self.signature = inspect.signature(task.fn)

    @classmethod
    def of(cls, task: Task[..., Any]) -> PrefectTask:
        """Return the one PrefectTask of `task`."""
        if task.prefect_task is None:
            task.prefect_task = cls(task)
        known: PrefectTask = task.prefect_task
        return known

    def for_call(self, body: Body, name: str | None) -> Self:
        """Return this task with the body, and the run's name, of one call."""
        one = self.__copy__()
        one.fn = body
        if name is not None:
            one.task_run_name = RunName(name)
        elif self.task.naming.names_runs:
            # Prefect asks for a parameter of this name, not for its own class.
            one.task_run_name = LateRunName(body)  # type: ignore[assignment]
        if isinstance(body, KeepingBody) and self.task.naming.has_target:
            # The target is the cache: Prefect's own would give Items whose files were deleted.
            one.cache_policy, one.cache_key_fn, one.result_storage_key = NO_CACHE, None, None
        return one

    def drawn(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what Prefect gives for a call while it draws a flow's graph."""
        # Prefect's annotations leave it open what that is.
        return self(*args, **kwargs)  # pyright: ignore[reportUnknownVariableType]

    def __copy__(self) -> Self:
        one = object.__new__(type(self))
        one.__dict__.update(self.__dict__)
        return one

    def __reduce__(self) -> tuple[Any, ...]:
        # By reference to the task: Prefect would send the function with all globals it names.
        body = self.fn if isinstance(self.fn, Body) else None
        return (_restored, (self.task, body, self.__dict__["task_run_name"]))


def _restored(task: Task[..., Any], body: Body | None, name: Any) -> PrefectTask:
    whole = PrefectTask.of(task)
    one = whole.__copy__() if body is None else whole.for_call(body, None)
    one.task_run_name = name
    return one


class Carried:
    """Hides a value from Prefect, which uses an iterator up by looking into it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def settled_and_unpacked(value: Any) -> Any:
    """Return `value` without what Prefect cannot see into: hidden values, futures in odd places."""
    return replace(value, _unpacked)


def _unpacked(value: Any) -> Any:
    if isinstance(value, Carried):
        return value.value
    return settle(value) if is_handle(value) else value


class There(NamedTuple):
    """What held where a call was made, and holds where it runs.

    Attributes:
        mode: The mode of the call.
        names: What `context` held.
        for_task: Whether a task made the call: it is given data, not an Item.
        logged: What was to be logged.
        still_running: After how many seconds, and then how often, a log line says that the task
            is alive; 0 for never.
    """

    mode: Mode
    names: dict[str, Any]
    for_task: bool
    logged: Wanted | None
    still_running: float

    @contextmanager
    def holds(self) -> Generator[None]:
        """Let it hold within the `with` statement."""
        with use_mode(self.mode), replaced_context(self.names), logging_as(self.logged, connect):
            yield


class Body:
    """What Prefect runs: the function, within what held where the call was made.

    Args:
        task: The task.
        there: What held there.
    """

    # Prefect asks for a function's attributes, and finds the function's own.
    def __init__(self, task: Task[..., Any], there: There) -> None:
        self.task = task
        self.there = there
        self.__name__ = task.fn.__name__
        self.__qualname__ = task.fn.__qualname__
        self.__signature__ = PrefectTask.of(task).signature

    @classmethod
    def here(cls, task: Task[..., Any], mode: Mode) -> Self:
        """Return the body of a call that is made here and now."""
        return cls(task, There(mode, dict(context_names()), in_task(), wanted(), interval()))

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run the task as `run` does, or return a coroutine that does."""
        args, kwargs = settled_and_unpacked(args), settled_and_unpacked(kwargs)
        if inspect.iscoroutinefunction(self.task.fn):
            return self._acall(args, kwargs)
        with self.there.holds(), self._alive():
            return self.run(args, kwargs)

    async def _acall(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self.there.holds(), self._alive():
            return await self.arun(args, kwargs)

    def _alive(self) -> StillRunning:
        return StillRunning(self._label, self.there.still_running, run_logger)

    def _label(self) -> str:
        """Return what the log calls the run that is under way: its name, if it was given one."""
        item = self.item()
        if item is not None and not self.task.naming.names_runs:
            # There is no base where the target is not made of one.
            return f"{self.task.name} {item.base or item.target.rpartition('/')[2]}"
        run = TaskRunContext.get()
        return self.task.name if run is None else run.task_run.name

    def item(self) -> Item[Any] | None:
        """Return the Item of the call that is under way, if there is one."""
        return None

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function; return its data."""
        if self.task.isolate:
            return executed_apart(Execution(self.task, args, kwargs))
        with task_body():
            return execute(self.task, args, kwargs)

    async def arun(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do the same for a coroutine function."""
        if self.task.isolate:
            return await aexecuted_apart(Execution(self.task, args, kwargs))
        with task_body():
            return await execute(self.task, args, kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.task, self.there))


class KeepingBody(Body):
    """Asks the target first, where the task runs; keeps what the function gives."""

    _call: Call | None = None

    def item(self) -> Item[Any] | None:
        """Return the Item of the call that is under way, if it has a target."""
        return None if self._call is None else self._call.item

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the Item of what is there, as a `Cached` state, or of what is made now."""
        call = self._call_with(args, kwargs)
        return self._cached(call) if call.is_done() else self._made(call, call.make())

    async def arun(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do the same for a coroutine function."""
        call = self._call_with(args, kwargs)
        return self._cached(call) if call.is_done() else self._made(call, await call.amake())

    def _call_with(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        # A retry is the same call, although the first try may have changed its arguments.
        self._call = self._call or Call(self.task, args, kwargs)
        return self._call

    def _made(self, call: Call, made: Any) -> Any:
        return self._cached(call) if call.was_found else self._given(call, made)

    def _cached(self, call: Call) -> Any:
        return Completed(name="Cached", data=self._given(call, call.item))

    def _given(self, call: Call, made: Any) -> Any:
        if call.item is None:
            return made
        return call.item.load() if self.there.for_task else call.item


class RunName:
    """The name of a task run, known when it was submitted."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> str:
        """Return the name."""
        return self.name


class LateRunName:
    """The name of a task run some of whose arguments were not known when it was submitted."""

    def __init__(self, body: Body) -> None:
        self.body = body

    def __call__(self, parameters: dict[str, Any]) -> str:
        """Return the name for the arguments, which are known where the task runs."""
        task = self.body.task
        with replaced_context(self.body.there.names):
            args, kwargs = task.naming.unbound(settled_and_unpacked(parameters))
            return str(task.naming.run_name(args, kwargs))
