"""Calls of tasks with `isolate=True`, as jobs for a child process."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from prefectx._calls.execute import arun_and_keep, execute, output_at, run_and_keep
from prefectx._calls.run import task_body
from prefectx._isolation.parent import arun_in_child, run_in_child
from prefectx._isolation.pickling import restore_main_module
from prefectx._settings.context import context_names, replace_context
from prefectx._settings.mode import current_mode, use_mode
from prefectx._settings.scoped import ScopedValue
from prefectx._settings.start_folder import start_folder, start_folder_here
from prefectx.stores import journal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from contextlib import AbstractContextManager

    from prefectx._calls.call import Call
    from prefectx._naming.decorated import AnyTask
    from prefectx._settings.mode import Mode


class OuterRun(Protocol):
    """A run of another library, such as Prefect, that a child's job is part of."""

    def join(
        self, mode: Mode, parameters: dict[str, Any], take_logs: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Return a context manager within which the child belongs to the run.

        Args:
            mode: The current mode.
            parameters: The arguments of the task.
            take_logs: A function to call after logging is set up.
        """
        ...


OUTER_RUNS: Final[list[Callable[[], OuterRun | None]]] = []
"""Functions that return the current run of another library, or None. Runners add theirs."""


def _outer_run() -> OuterRun | None:
    found = (find() for find in OUTER_RUNS)
    return next((run for run in found if run is not None), None)


class _Job:
    """The arguments of a call and the context in which it is made."""

    def __init__(
        self,
        task: AnyTask,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        target: str | None,
    ) -> None:
        self.task = task
        self.task_name = task.name
        self.args = args
        self.kwargs = kwargs
        self.target = target
        self._mode: Mode = current_mode()
        self._names = dict(context_names())
        self._folder = start_folder_here()
        self._outer_run = _outer_run()

    @contextmanager
    def parent_context(self, take_logs: Callable[[], None]) -> Generator[None]:
        """Restore the parent's mode, context and run."""
        restore_main_module(self.task.fn)
        with (
            use_mode(self._mode),
            replace_context(self._names),
            ScopedValue(start_folder, self._folder),
            self._part_of_run(take_logs),
        ):
            yield

    def _part_of_run(self, take_logs: Callable[[], None]) -> AbstractContextManager[None]:
        if self._outer_run is None:
            return nullcontext()
        parameters = self.task.naming.bind(*self.args, **self.kwargs)
        return self._outer_run.join(self._mode, parameters, take_logs)


class Execution(_Job):
    """A job that runs a task's function and returns its result."""

    def __init__(self, task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        super().__init__(task, args, kwargs, None)

    def run(self) -> Any:
        """Run the function, here."""
        with task_body():
            result = execute(self.task, self.args, self.kwargs)
            return asyncio.run(result) if self.task.is_async else result


class Making(_Job):
    """A job that runs a task's function and stores its output; without a target it returns it."""

    def __init__(self, call: Call) -> None:
        super().__init__(
            call.task, call.args, call.kwargs, None if call.item is None else call.item.target
        )
        self._call = call

    def run(self) -> Any:
        """Run the function and store its output, here."""
        # The parent writes the journal's line; otherwise each child would leave a file.
        journal.stop()
        call = self._call
        made = asyncio.run(arun_and_keep(call)) if self.task.is_async else run_and_keep(call)
        return made if call.item is None else call.item


def execute_in_child(task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Run a task's function in a child process; return its result."""
    return run_in_child(Execution(task, args, kwargs))


async def aexecute_in_child(task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Async version of `execute_in_child`."""
    return await arun_in_child(Execution(task, args, kwargs))


def make_in_child(call: Call) -> Any:
    """Run a call in a child process, which stores the output; return the caller's value."""
    return _output(call, run_in_child(Making(call)))


async def amake_in_child(call: Call) -> Any:
    """Async version of `make_in_child`."""
    return _output(call, await arun_in_child(Making(call)))


def _output(call: Call, made: Any) -> Any:
    if call.item is None:
        return made
    # The child knows which version it has made.
    call.item = made
    return output_at(made)
