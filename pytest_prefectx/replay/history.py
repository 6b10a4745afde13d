"""`History`: the list of a flow's calls, to compare two versions of the flow without its tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefectx import Item, use_mode
from prefectx._identity.content_hash import digest
from prefectx._runners import use_runner
from prefectx._runners.local import LocalRunner
from prefectx._values.containers import replace
from prefectx.errors import PrefectxError, TargetMissing
from pytest_prefectx.agree.programs import wait_for_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


class HistoryCall(NamedTuple):
    """One call of a task in a run of a flow.

    Attributes:
        task: The task's qualified name.
        target: The target, or None without one.
        inputs: A fingerprint of the arguments; "?" if they have none.
    """

    task: str
    target: str | None
    inputs: str

    def __str__(self) -> str:
        return f"{self.task} -> {self.target}"


class CallsDiffer(AssertionError):
    """A flow makes other calls than before; the message has the first one."""


class History(tuple[HistoryCall, ...]):
    """The calls that a flow makes, in order.

    Example:
        >>> from prefectx import use_mode
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> @flow
        ... def twice(x: int) -> int:
        ...     return double(double(x))
        >>> with use_mode("cache"):
        ...     _ = twice(1)
        >>> [call.task.rpartition(".")[2] for call in History.of(twice, 1)]
        ['double', 'double']
    """

    __slots__ = ()

    @classmethod
    def of(cls, flow: Callable[..., Any], /, *args: Any, **kwargs: Any) -> History:
        """Return the calls that a flow makes when each task returns its target's Item.

        No task runs. The history ends where the flow's body needs the data of a target that does
        not exist.
        """
        runner = _TargetRunner()
        with use_mode("cache"), use_runner(runner):
            try:
                wait_for_result(flow(*args, **kwargs))
            except TargetMissing:
                if not runner.has_missed:
                    raise
        return cls(runner.calls)

    @classmethod
    def read(cls, path: str | Path) -> History:
        """Return the history in a file."""
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        return cls(HistoryCall(*json.loads(line)) for line in lines)

    def write(self, path: str | Path) -> None:
        """Write a file with one line for each call, for people and for version control."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{json.dumps(call)}\n" for call in self)
        Path(path).write_text(text, encoding="utf-8")

    def check(self, now: Iterable[HistoryCall]) -> None:
        """Compare with the calls of another version of the flow.

        Raises:
            CallsDiffer: A call is new, gone or different.
        """
        other = tuple(now)
        if (place := _first_difference(self, other)) is None:
            return
        before = self[place] if place < len(self) else None
        after = other[place] if place < len(other) else None
        msg = f"call {place + 1}: {_describe(before, after, self, other)}"
        raise CallsDiffer(msg)


class _TargetRunner(LocalRunner):
    """Returns the Item of each call, and notes the calls."""

    def __init__(self) -> None:
        self.calls: list[HistoryCall] = []
        self.has_missed = False

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        item = task.naming.item(args, kwargs)
        target = None if item is None else item.target
        arguments = task.naming.bind(*args, **kwargs)
        self.calls.append(HistoryCall(task.qualified_name, target, _fingerprint(arguments)))
        if item is None:
            msg = (
                f"the task {task.name!r} has no target, so it would have to run. Give it a target,"
                " or leave it out of the flow."
            )
            raise PrefectxError(msg)
        self.has_missed |= not item.exists()
        return _return_item(item) if task.is_async else item


async def _return_item(item: Item[Any]) -> Item[Any]:
    return item


def _fingerprint(arguments: dict[str, Any]) -> str:
    def by_target(value: Any) -> Any:
        return ("Item", value.target) if isinstance(value, Item) else value

    try:
        return digest(replace(arguments, by_target)).hex()[:_DIGITS]
    except PrefectxError:
        return "?"


_DIGITS: Final = 16


def _first_difference(before: tuple[Any, ...], after: tuple[Any, ...]) -> int | None:
    for place, (old, new) in enumerate(zip(before, after, strict=False)):
        if old != new:
            return place
    return None if len(before) == len(after) else min(len(before), len(after))


def _describe(
    before: HistoryCall | None,
    after: HistoryCall | None,
    old: tuple[HistoryCall, ...],
    new: tuple[HistoryCall, ...],
) -> str:
    if before is None:
        return f"{after} is new, at the end."
    if after is None:
        return f"{before} is gone, and all calls after it."
    if before.task == after.task and before.target == after.target:
        return f"{after} has other arguments than before."
    if before not in new:
        changed = f", now {after}" if after not in old else ""
        return f"{before} is {'different' if changed else 'gone'}{changed}."
    if after not in old:
        return f"{after} is new, before {before}."
    return f"{after} now comes before {before}."
