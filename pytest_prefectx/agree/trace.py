"""Tracers: runners that note each call of a task, with its arguments, result and changes."""

from __future__ import annotations

import asyncio
import inspect
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefectx import Item
from prefectx._calls.execute import execute
from prefectx._calls.here import in_task
from prefectx._calls.run import task_body
from prefectx._runners.local import LocalRunner
from prefectx.errors import PrefectxError
from pytest_prefectx.agree.effects import record_effects
from pytest_prefectx.agree.hidden import HiddenInputs, hidden_inputs, unseen_state
from pytest_prefectx.agree.programs import pickle_copy, snapshot
from pytest_prefectx.agree.watched_item import MemoryItem, WatchedItem
from pytest_prefectx.equality import Difference, difference

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


LONGEST_TURN: Final = 5.0
"""The maximal time, in seconds, for which a coroutine waits for the previous one."""


@dataclass
class TaskCall:
    """One observed call of a task.

    Attributes:
        task: The task.
        arguments_before: A copy of its arguments by name, with defaults, before the call.
        arguments: The arguments themselves.
        item: The Item of its target; None without a target, or if it cannot be rendered.
        unnamed: The exception if the target cannot be rendered.
        hidden: Its hidden inputs before the call.
        hidden_after: Its hidden inputs after the call.
        result: A copy of its result.
        returned: The result itself.
        error: The exception that it raised.
        file: The content of the file, if it returned the path of one.
        effects: Its side effects in words: "prints text", "logs", …
    """

    task: AnyTask
    arguments_before: Mapping[str, Any]
    arguments: Mapping[str, Any]
    item: Item[Any] | None
    unnamed: PrefectxError | None
    hidden: HiddenInputs
    hidden_after: HiddenInputs = field(default_factory=dict[str, Any])
    changes: dict[str, Difference] = field(default_factory=dict[str, Difference])
    result: Any = None
    returned: Any = None
    error: BaseException | None = None
    file: bytes | None = None
    effects: list[str] = field(default_factory=list[str])
    unseen: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def finish(
        self, folder: Path, returned: Any = None, error: BaseException | None = None
    ) -> None:
        """Note the result or exception of the call, and its changes."""
        self.returned, self.error = returned, error
        self.result = snapshot(returned)
        if isinstance(returned, str | Path) and os.path.isfile(returned):
            self.file = Path(returned).read_bytes()
        self.hidden_after = hidden_inputs(self.task.fn, self.arguments.values(), folder)
        for name, value in self.arguments.items():
            if (found := difference(self.arguments_before[name], value)) is not None or (
                found := difference(self.unseen.get(name), unseen_state(value))
            ) is not None:
                self.changes[name] = found

    def is_same_call(self, other: TaskCall) -> bool:
        """Tell whether the other call is of the same task with the same arguments."""
        return (
            self.is_of(other) and difference(self.arguments_before, other.arguments_before) is None
        )

    def is_of(self, other: TaskCall) -> bool:
        """Tell whether the other call is of the same task."""
        return self.task.qualified_name == other.task.qualified_name

    def result_difference(self, other: TaskCall) -> Difference | None:
        """Return the first difference between the outcomes of two calls."""
        if self.error is not None or other.error is not None:
            return difference(self.error, other.error)
        return difference(self.result, other.result)


class Tracer(LocalRunner):
    """Runs tasks as in mode `function` and notes each call.

    Args:
        folder: The folder in which the program runs.

    Attributes:
        calls: The calls, in the order in which they started.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self.calls: list[TaskCall] = []

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task with converted arguments; return its converted result."""
        args, kwargs = self.convert_arguments(args), self.convert_arguments(kwargs)
        call = self._start_call(task, args, kwargs)
        if inspect.iscoroutinefunction(task.fn):
            return self._arun(call, args, kwargs)
        try:
            with task_body(), record_effects(call.effects):
                result = self.run_function(call, args, kwargs)
        except BaseException as error:
            call.finish(self.folder, error=error)
            raise
        call.finish(self.folder, result)
        return self.convert_result(call, result)

    async def _arun(self, call: TaskCall, args: Args, kwargs: Kwargs) -> Any:
        try:
            with record_effects(call.effects):
                result = await self.turn(_execute_async(call.task, args, kwargs))
        except BaseException as error:
            call.finish(self.folder, error=error)
            raise
        call.finish(self.folder, result)
        return self.convert_result(call, result)

    def _start_call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> TaskCall:
        arguments = task.naming.bind(*args, **kwargs)
        item, unnamed = None, None
        try:
            item = task.naming.item(args, kwargs)
        except PrefectxError as error:
            unnamed = error
        given = {name: snapshot(value) for name, value in arguments.items()}
        hidden = hidden_inputs(task.fn, arguments.values(), self.folder)
        unseen = {name: unseen_state(value) for name, value in arguments.items()}
        call = TaskCall(task, given, dict(arguments), item, unnamed, hidden, unseen=unseen)
        self.calls.append(call)
        return call

    def run_function(self, call: TaskCall, args: Args, kwargs: Kwargs) -> Any:
        """Run the task's function; return its result."""
        return execute(call.task, args, kwargs)

    def convert_arguments(self, arguments: Any) -> Any:
        """Return the arguments for the task."""
        return arguments

    def convert_result(self, call: TaskCall, result: Any) -> Any:  # noqa: ARG002
        """Return the caller's value for a result."""
        return result

    async def turn(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine when it is its turn; here, at once."""
        return await coroutine


class ArgumentCopyTracer(Tracer):
    """Passes copies of arguments to each task, as loading does."""

    def convert_arguments(self, arguments: Any) -> Any:
        """Return copies of the arguments."""
        return snapshot(arguments)


class QueueTracer(Tracer):
    """Runs coroutine functions one after the other, in the order of their calls."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._last: asyncio.Event | None = None

    async def turn(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Wait for the previous coroutine, unless that is waiting for this one."""
        if in_task():
            return await coroutine
        before, self._last = self._last, asyncio.Event()
        done = self._last
        try:
            if before is not None and not before.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(before.wait(), LONGEST_TURN)
            return await coroutine
        finally:
            done.set()


class ItemTracer(Tracer):
    """Returns an Item for each result to flows, and notes their operations on it.

    Attributes:
        uses: The operations that are meant for data, each with the task.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.uses: list[tuple[AnyTask, str]] = []

    def convert_result(self, call: TaskCall, result: Any) -> Any:
        """Return an Item that notes operations, if the caller is a flow."""
        if call.item is None or in_task():
            return result
        return WatchedItem(call.item, result, lambda name: self.uses.append((call.task, name)))


class MemoryItemTracer(Tracer):
    """Returns an Item in memory for each result, or for those of one task, to flows.

    Args:
        folder: The folder in which the program runs.
        only: The name of the task; None for all tasks.
    """

    def __init__(self, folder: Path, only: str | None = None) -> None:
        super().__init__(folder)
        self._only: Final = only

    def convert_result(self, call: TaskCall, result: Any) -> Any:
        """Return an Item that holds the object itself, if the caller is a flow."""
        if call.item is None or in_task() or self._only not in {None, call.task.qualified_name}:
            return result
        return MemoryItem(call.item, result)


class ResultCopyTracer(Tracer):
    """Returns copies of results, or of those of one task, as loading does.

    Args:
        folder: The folder in which the program runs.
        only: The name of the task; None for all tasks.
    """

    def __init__(self, folder: Path, only: str | None = None) -> None:
        super().__init__(folder)
        self._only: Final = only

    def convert_result(self, call: TaskCall, result: Any) -> Any:
        """Return a copy by pickle, if the caller is a flow."""
        if call.item is None or in_task() or self._only not in {None, call.task.qualified_name}:
            return result
        return pickle_copy(result)


class SkipTracer(Tracer):
    """Skips one task and returns its earlier results, as a hit does.

    Args:
        folder: The folder in which the program runs.
        recorded: The calls of an earlier run.
        only: The name of the task.
    """

    def __init__(self, folder: Path, recorded: Sequence[TaskCall], only: str) -> None:
        super().__init__(folder)
        self._recorded: Final = recorded
        self._only: Final = only

    def run_function(self, call: TaskCall, args: Args, kwargs: Kwargs) -> Any:
        """Return the result of the same earlier call; run the function if there is none."""
        if call.item is None or call.task.qualified_name != self._only:
            return super().run_function(call, args, kwargs)
        old_calls = [old for old in self._recorded if old.is_of(call)]
        place = len([each for each in self.calls if each.is_of(call)]) - 1
        # By position too: an argument such as a queue may have changed since.
        same = next((old for old in old_calls if old.is_same_call(call)), None)
        same = same or (old_calls[place] if place < len(old_calls) else None)
        if same is None or same.error is not None or inspect.iscoroutinefunction(call.task.fn):
            return super().run_function(call, args, kwargs)
        return snapshot(same.result)


class ReverseTracer(Tracer):
    """Starts coroutine functions that are called together in the opposite order."""

    def __init__(self, folder: Path, most: int) -> None:
        super().__init__(folder)
        self._turns = most

    async def turn(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Wait for fewer turns of the event loop than the previous call."""
        self._turns = max(self._turns - 1, 0)
        for _ in range(self._turns):
            await asyncio.sleep(0)
        return await coroutine


async def _execute_async(task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
    with task_body():
        return await execute(task, args, kwargs)
