"""A look at a program from inside: each call of a task, what it was given, gave and changed."""

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
from prefectx._calls.run import in_task, task_body
from prefectx._runners.local import LocalRunner
from prefectx.errors import PrefectxError
from pytest_prefectx.agree.effects import noted_effects
from pytest_prefectx.agree.hidden import Hidden, hidden_inputs, unseen_state
from pytest_prefectx.agree.programs import pickled_copy, snapshot
from pytest_prefectx.agree.watched_item import InMemory, Watched
from pytest_prefectx.equality import Difference, difference

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


LONGEST_TURN: Final = 5.0
"""How many seconds a coroutine function waits for the one before, which may be waiting for it."""


@dataclass
class TaskCall:
    """One call of a task as it was seen.

    Attributes:
        task: The task.
        given: Its arguments by name, defaults included, as they were before.
        arguments: The same objects, as they are now.
        item: Where its output would be kept; None without a target, or if naming it failed.
        unnamed: Why naming it failed.
        hidden: What it could see besides its arguments, before it ran.
        hidden_after: The same, after it had run.
        result: What it gave, as it was then.
        returned: The same object, as it is now.
        error: What it raised.
        file: What is in the file, if it gave the path of one.
        effects: What it did besides, in words: "prints text", "logs", …
    """

    task: AnyTask
    given: Mapping[str, Any]
    arguments: Mapping[str, Any]
    item: Item[Any] | None
    unnamed: PrefectxError | None
    hidden: Hidden
    hidden_after: Hidden = field(default_factory=dict[str, Any])
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
        """Note how the call ended, and what it has changed."""
        self.returned, self.error = returned, error
        self.result = snapshot(returned)
        if isinstance(returned, str | Path) and os.path.isfile(returned):
            self.file = Path(returned).read_bytes()
        self.hidden_after = hidden_inputs(self.task.fn, self.arguments.values(), folder)
        for name, value in self.arguments.items():
            if (found := difference(self.given[name], value)) is not None or (
                found := difference(self.unseen.get(name), unseen_state(value))
            ) is not None:
                self.changes[name] = found

    def is_same_call(self, other: TaskCall) -> bool:
        """Tell whether the other call is of the same task with the same arguments."""
        return self.is_of(other) and difference(self.given, other.given) is None

    def is_of(self, other: TaskCall) -> bool:
        """Tell whether the other call is of the same task."""
        return self.task.qualified_name == other.task.qualified_name

    def gave_other(self, other: TaskCall) -> Difference | None:
        """Return the first difference between what this call gave and what the other gave."""
        if self.error is not None or other.error is not None:
            return difference(self.error, other.error)
        return difference(self.result, other.result)


class Tracer(LocalRunner):
    """Runs tasks as mode `function` does and notes each call.

    Args:
        folder: Where the program runs.

    Attributes:
        calls: The calls, in the order in which they started.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self.calls: list[TaskCall] = []

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task on what `handed` makes of its arguments; give what `kept` makes of it."""
        args, kwargs = self.handed(args), self.handed(kwargs)
        call = self._begun(task, args, kwargs)
        if inspect.iscoroutinefunction(task.fn):
            return self._arun(call, args, kwargs)
        try:
            with task_body(), noted_effects(call.effects):
                result = self.executed(call, args, kwargs)
        except BaseException as error:
            call.finish(self.folder, error=error)
            raise
        call.finish(self.folder, result)
        return self.kept(call, result)

    async def _arun(self, call: TaskCall, args: Args, kwargs: Kwargs) -> Any:
        try:
            with noted_effects(call.effects):
                result = await self.turn(_executed(call.task, args, kwargs))
        except BaseException as error:
            call.finish(self.folder, error=error)
            raise
        call.finish(self.folder, result)
        return self.kept(call, result)

    def _begun(self, task: AnyTask, args: Args, kwargs: Kwargs) -> TaskCall:
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

    def executed(self, call: TaskCall, args: Args, kwargs: Kwargs) -> Any:
        """Return what the task's function returns."""
        return execute(call.task, args, kwargs)

    def handed(self, arguments: Any) -> Any:
        """Return the arguments that the task is to be given."""
        return arguments

    def kept(self, call: TaskCall, result: Any) -> Any:  # noqa: ARG002
        """Return what the caller is to be given for `result`."""
        return result

    async def turn(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine function's body when it is its turn: here, at once."""
        return await coroutine


class Isolating(Tracer):
    """Gives each task copies of its arguments, as loading them does."""

    def handed(self, arguments: Any) -> Any:
        """Return copies, which share nothing with what others hold."""
        return snapshot(arguments)


class Queueing(Tracer):
    """Lets coroutine functions run one after the other, in the order in which they were called."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._last: asyncio.Event | None = None

    async def turn(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Wait for the one before, unless that is waiting for this one."""
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


class Handing(Tracer):
    """Gives flows an Item for each result, and notes what they try to do with it.

    Attributes:
        uses: Each use of an Item that is meant for data: the task, and the operation.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.uses: list[tuple[AnyTask, str]] = []

    def kept(self, call: TaskCall, result: Any) -> Any:
        """Return an Item that looks on, in a flow."""
        if call.item is None or in_task():
            return result
        return Watched(call.item, result, lambda name: self.uses.append((call.task, name)))


class HandingPlainly(Tracer):
    """Gives flows an Item for each result, or for those of one task, with the data in memory.

    Args:
        folder: Where the program runs.
        only: The name of the task; of all tasks if it is None.
    """

    def __init__(self, folder: Path, only: str | None = None) -> None:
        super().__init__(folder)
        self._only: Final = only

    def kept(self, call: TaskCall, result: Any) -> Any:
        """Return an Item that gives the very object when it is loaded, in a flow."""
        if call.item is None or in_task() or self._only not in {None, call.task.qualified_name}:
            return result
        return InMemory(call.item, result)


class Copying(Tracer):
    """Gives copies of results, or of those of one task, as loading them does.

    Args:
        folder: Where the program runs.
        only: The name of the task; of all tasks if it is None.
    """

    def __init__(self, folder: Path, only: str | None = None) -> None:
        super().__init__(folder)
        self._only: Final = only

    def kept(self, call: TaskCall, result: Any) -> Any:
        """Return what pickle makes of it, in a flow."""
        if call.item is None or in_task() or self._only not in {None, call.task.qualified_name}:
            return result
        return pickled_copy(result)


class Skipping(Tracer):
    """Does not run one task, but gives what it gave before: as a hit does, without a store.

    Args:
        folder: Where the program runs.
        recorded: The calls of a run before.
        only: The name of the task.
    """

    def __init__(self, folder: Path, recorded: Sequence[TaskCall], only: str) -> None:
        super().__init__(folder)
        self._recorded: Final = recorded
        self._only: Final = only

    def executed(self, call: TaskCall, args: Args, kwargs: Kwargs) -> Any:
        """Return what the same call gave; run the function if there was none."""
        if call.item is None or call.task.qualified_name != self._only:
            return super().executed(call, args, kwargs)
        old_calls = [old for old in self._recorded if old.is_of(call)]
        place = len([each for each in self.calls if each.is_of(call)]) - 1
        # Arguments that the call before has used up, such as a queue, are another call's now.
        same = next((old for old in old_calls if old.is_same_call(call)), None)
        same = same or (old_calls[place] if place < len(old_calls) else None)
        if same is None or same.error is not None or inspect.iscoroutinefunction(call.task.fn):
            return super().executed(call, args, kwargs)
        return snapshot(same.result)


class Reversing(Tracer):
    """Lets coroutine functions that were called together start in the opposite order."""

    def __init__(self, folder: Path, most: int) -> None:
        super().__init__(folder)
        self._turns = most

    async def turn(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Wait for fewer turns of the event loop than the call before."""
        self._turns = max(self._turns - 1, 0)
        for _ in range(self._turns):
            await asyncio.sleep(0)
        return await coroutine


async def _executed(task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
    with task_body():
        return await execute(task, args, kwargs)
