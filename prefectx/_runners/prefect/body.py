"""`Body` and `StoringBody`: the callables that Prefect runs in place of a task's function."""

from __future__ import annotations

import functools
import inspect
import os
from typing import TYPE_CHECKING, Any

from prefect.context import TaskRunContext
from prefect.states import Completed

from prefectx._calls.call import Call
from prefectx._calls.child_jobs import OUTER_RUNS, aexecute_in_child, execute_in_child
from prefectx._calls.execute import execute
from prefectx._calls.freshness import is_done
from prefectx._calls.make import amake, make, note_skip
from prefectx._calls.run import task_body
from prefectx._logs.handlers import current_selection
from prefectx._logs.progress import VARIABLE as STILL_RUNNING
from prefectx._logs.progress import StillRunning
from prefectx._logs.runs_log import RUNS_LOG
from prefectx._naming.task_names import base_of
from prefectx._runners.prefect.bound_functions import own_function
from prefectx._runners.prefect.call_context import CallContext
from prefectx._runners.prefect.child_context import run_here
from prefectx._runners.prefect.hidden_iterators import settle_and_unhide
from prefectx._runners.prefect.logs import run_logger
from prefectx._settings.context import context_names
from prefectx._settings.mode import override
from prefectx._values.handles import is_state
from prefectx._values.references import name_of, qualified_name_of
from prefectx._values.tracebacks import own_frames_hidden

if TYPE_CHECKING:
    from typing import Self

    from prefectx._naming.decorated import AnyTask
    from prefectx._settings.mode import Mode
    from prefectx._values.item import Item


OUTER_RUNS.append(run_here)


@functools.lru_cache(maxsize=1024)
def _signature(fn: Any) -> inspect.Signature:
    return inspect.signature(fn)


class Body:
    """The callable that Prefect runs: the function, within the call's context.

    Args:
        task: The task.
        context: The context of the call.
    """

    # Prefect reads these attributes of a function.
    def __init__(self, task: AnyTask, context: CallContext) -> None:
        self.task = task
        self.context = context
        fn = own_function(task)
        self.__name__ = name_of(fn)
        self.__qualname__ = qualified_name_of(fn)
        self.__doc__ = fn.__doc__
        self.__wrapped__ = fn
        self.__signature__ = _signature(fn)

    @classmethod
    def here(cls, task: AnyTask, mode: Mode) -> Self:
        """Return the body of a call with the current context."""
        return cls(task, CallContext.here(mode))

    @classmethod
    def if_needed(cls, task: AnyTask, mode: Mode) -> Self | None:
        """Return the body of a call; None if there is no context to restore.

        In mode `prefect`, Prefect then gets the task itself, with its own function.
        """
        asked_for = (RUNS_LOG.name, STILL_RUNNING)
        if (
            override.get() is None
            and not context_names()
            and not task.isolate
            and current_selection() is None
            and not any(map(os.environ.get, asked_for))
        ):
            return None
        return cls.here(task, mode)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run the task as `run` does, or return a coroutine that does."""
        args, kwargs = settle_and_unhide(args), settle_and_unhide(kwargs)
        if self.task.is_async and not self.task.is_generator:
            return self._acall(args, kwargs)
        # Prefect writes the traceback to the run's log.
        with own_frames_hidden, self.context.restore(), self._alive():
            return self.run(args, kwargs)

    async def _acall(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with own_frames_hidden, self.context.restore(), self._alive():
            return await self.arun(args, kwargs)

    def _alive(self) -> StillRunning:
        return StillRunning(self._label, self.context.still_running, run_logger)

    def _label(self) -> str:
        """Return the name of the current run for log lines."""
        item = self.item()
        if item is not None and not self.task.naming.names_runs:
            return f"{self.task.name} {base_of(item)}"
        run = TaskRunContext.get()
        return self.task.name if run is None else run.task_run.name

    def item(self) -> Item[Any] | None:
        """Return the Item of the current call, if there is one."""
        return None

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function; return its data."""
        if self.task.isolate:
            return execute_in_child(self.task, args, kwargs)
        with task_body():
            return execute(self.task, args, kwargs)

    async def arun(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Async version of `run`."""
        if self.task.isolate:
            return await aexecute_in_child(self.task, args, kwargs)
        with task_body():
            return await execute(self.task, args, kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore_body, (type(self), self.task, self.context.for_other_process()))


def _restore_body(kind: type[Body], task: AnyTask, context: CallContext) -> Body:
    return kind(task, context.in_this_process(own_function(task)))


class StoringBody(Body):
    """A body that checks the target where the task runs, and stores the function's output."""

    _call: Call | None = None

    def item(self) -> Item[Any] | None:
        """Return the Item of the current call, if it has a target."""
        return None if self._call is None else self._call.item

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return a `Cached` state if the target is valid; otherwise make it and return its Item."""
        call = self._call_with(args, kwargs)
        return self._skip(call) if is_done(call) else self._finish(call, make(call))

    async def arun(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Async version of `run`."""
        call = self._call_with(args, kwargs)
        return self._skip(call) if is_done(call) else self._finish(call, await amake(call))

    def _call_with(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        # A retry is the same call, although the first attempt may have changed its arguments.
        self._call = self._call or Call(self.task, args, kwargs)
        return self._call

    def _finish(self, call: Call, made: Any) -> Any:
        if is_state(made):
            return made
        return self._cached_state(call) if call.was_made_by_other else self._output(call, made)

    def _skip(self, call: Call) -> Any:
        note_skip(call)
        return self._cached_state(call)

    def _cached_state(self, call: Call) -> Any:
        return Completed(name="Cached", data=self._output(call, call.item))

    def _output(self, call: Call, made: Any) -> Any:
        if call.item is None:
            return made
        return call.item.load() if self.context.for_task else call.item
