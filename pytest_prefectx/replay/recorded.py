"""Recorded calls: runs the calls of targets' records again and compares the outputs."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import stat
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from prefectx import Item, load, use_mode
from prefectx._api.task import Task
from prefectx._calls import recorded_arguments
from prefectx.stores import Filestore, formats, journal
from prefectx.stores import record as prefectx_records
from prefectx.stores.record import parsed
from prefectx.stores.record_fields import fields_of
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.agree.hidden import sources_of_chance
from pytest_prefectx.agree.programs import snapshot, wait_for_result
from pytest_prefectx.equality import Difference, difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prefectx._naming.decorated import AnyTask
    from prefectx.stores.record import Record


class NotReplayed(Exception):
    """A recorded call cannot be repeated; the message says why."""


class OutputDiffers(AssertionError):
    """A recorded call returns another output than the stored one.

    Attributes:
        call: The call.
        reason: The reason in one sentence, as far as it is known.
    """

    def __init__(self, call: RecordedCall, text: str, reason: str) -> None:
        super().__init__(f"{call} returns something else than its target\n{text}\nWhy: {reason}")
        self.call: Final = call
        self.reason: Final = reason


class RecordedCall:
    """A call that has made a target.

    Args:
        root: The root of the store, absolute.
        target: The target within it.
        record: The record of the target.
        is_trusted: Whether nobody else can have written the record.
    """

    def __init__(self, root: str, target: str, record: Record, *, is_trusted: bool = True) -> None:
        self.root: Final = root
        self.target: Final = target
        self.record: Final = record
        self._is_trusted: Final = is_trusted

    def __str__(self) -> str:
        return f"{self.record.call} (target {self.target!r})"

    def __repr__(self) -> str:
        return f"RecordedCall({self.target!r})"

    @property
    def size(self) -> int:
        """The size of the target in bytes."""
        return os.stat(os.path.join(self.root, self.target)).st_size

    @cached_property
    def task(self) -> Task[..., Any]:
        """The present task.

        Raises:
            NotReplayed: There is no task with this name.
        """
        return import_task(self.record.task)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments by name; Items for outputs of other tasks.

        Raises:
            NotReplayed: The record does not have all of them.
        """
        if self.record.args is None:
            msg = "its record has no arguments: it was written by an older version of prefectx"
            raise NotReplayed(msg)
        try:
            return recorded_arguments.restore(self.record.args, is_trusted=self._is_trusted)
        except recorded_arguments.NotRecorded as error:
            raise NotReplayed(str(error)) from None

    def stored_output(self) -> Any:
        """Return the stored output."""
        item: Item[Any] = Item(Filestore(self.root), self.target)
        return item.load()

    def run(self) -> Any:
        """Run the function with the recorded arguments; return its result and store nothing."""
        task = self.task
        if task.naming.store.is_written_by_function:
            msg = f"the task {task.name!r} writes its target itself, and would overwrite it"
            raise NotReplayed(msg)
        bound = bind_arguments(task.fn, load(self.arguments))
        with use_mode("function"):
            return load(wait_for_result(task.fn(*bound.args, **bound.kwargs)))

    def check(self) -> None:
        """Run the call again; compare its result with the stored output.

        Raises:
            OutputDiffers: They differ.
            NotReplayed: The call cannot be repeated.
        """
        kept = self.stored_output()
        try:
            given = self.run()
        except NotReplayed:
            raise
        except Exception as error:
            text = f"  kept: {short_text(kept)}\n  now:  raised {type(error).__name__}: {error}"
            raise OutputDiffers(self, text, why_other(self.record, self.task)) from error
        if (found := difference_from_stored(self.target, kept, given)) is None:
            return
        reason = not_deterministic(self.task, snapshot(given), self.run)
        raise OutputDiffers(
            self, format_difference(found), reason or why_other(self.record, self.task)
        )


def difference_from_stored(target: str, kept: Any, given: Any) -> Difference | None:
    """Return the first difference between the stored and the new output.

    There is none if the new output equals the stored one after the target's format.
    """
    found = difference(kept, given)
    if found is None:
        return None
    made = BytesIO()
    form = formats.format_of(target)
    try:
        form.dump(given, made)
        return found if difference(kept, form.load(BytesIO(made.getvalue()))) else None
    except Exception:  # noqa: BLE001 - a format may refuse a value in any way
        return found


def not_deterministic(task: AnyTask, given: Any, run: Callable[[], Any]) -> str | None:
    """Return the reason if a task returns something else each time; None if it does not."""
    if difference(given, run()) is None:
        return None
    sources = sources_of_chance(task.fn)
    uses = f" It uses {', '.join(sources)}." if sources else ""
    return f"(not-deterministic) two runs with these arguments differ.{uses}"


def why_other(record: Record, task: AnyTask) -> str:
    """Return in words what has changed since a target was made, according to its record."""
    if record.python != prefectx_records.python_version():
        return f"it was made by Python {record.python}, {record.made}."
    if record.code != task.code.hash:
        return f"the code of the task has changed since {record.made}."
    return (
        f"the code of the task is what it was at {record.made}: something else that it reads"
        " has changed, such as a helper, a constant, a package or a file."
    )


def format_difference(found: Difference) -> str:
    """Return a difference as the lines of a message."""
    where = f"  at result{found.path}: {found.why}" if found.path else f"  {found.why}"
    return f"{where}\n  kept: {short_text(found.left)}\n  now:  {short_text(found.right)}"


def import_task(name: str) -> Task[..., Any]:
    """Return the task with a qualified name.

    Raises:
        NotReplayed: There is no such task.
    """
    if name.startswith("__main__.") or "<locals>" in name:
        msg = f"the task {name} is defined in a script or a function, so it cannot be imported"
        raise NotReplayed(msg)
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            found: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            continue
        for part in parts[length:]:
            found = inspect.getattr_static(found, part, None)
        found = getattr(found, "__func__", found)
        if isinstance(cast("object", found), Task):
            task: Task[..., Any] = found
            return task
    msg = f"there is no task {name} any more"
    raise NotReplayed(msg)


def bind_arguments(
    function: Callable[..., Any], arguments: Mapping[str, Any]
) -> inspect.BoundArguments:
    """Return the bound arguments of a call from arguments by name."""
    bound = inspect.signature(function).bind_partial()
    bound.arguments.update(arguments)
    return bound


def recorded_calls(folder: str | Path, per_task: int | None = None) -> list[RecordedCall]:
    """Return the recorded calls whose targets are below a folder.

    Args:
        folder: A folder of targets, such as `"working"`.
        per_task: The maximal number of calls of each task, the smallest outputs first.

    Raises:
        FileNotFoundError: Neither this folder nor a parent has records.
    """
    path = os.path.abspath(folder)
    root = _root_of(path)
    prefix = "" if root == path else os.path.join(os.path.relpath(path, root), "")
    found = [call for call in _calls(root) if call.target.startswith(prefix)]
    return sample(found, per_task)


def sample(calls: Sequence[RecordedCall], per_task: int | None) -> list[RecordedCall]:
    """Return some calls of each task, those with the smallest outputs, ordered by target."""
    by_task: dict[str, list[RecordedCall]] = {}
    for call in sorted(calls, key=lambda call: (call.size, call.target)):
        by_task.setdefault(call.record.task, []).append(call)
    chosen = [call for group in by_task.values() for call in group[:per_task]]
    return sorted(chosen, key=lambda call: call.target)


def _root_of(path: str) -> str:
    for folder in (path, *map(str, Path(path).parents)):
        if os.path.isdir(os.path.join(folder, journal.FOLDER)):
            return folder
    msg = f"neither {path!r} nor a parent folder has records of prefectx. Run a flow there first."
    raise FileNotFoundError(msg)


def _calls(root: str) -> Iterator[RecordedCall]:
    latest: dict[str, Mapping[str, Any]] = {}
    for line in journal.lines(root):
        found = fields_of(line)
        if found is not None and "failed" not in found and "target" in found:
            latest[found["target"]] = found
    is_trusted = all(map(_is_mine, journal.files(root)))
    for target, fields in latest.items():
        record = parsed(json.dumps(fields))
        if record is not None and os.path.isfile(os.path.join(root, target)):
            yield RecordedCall(root, target, record, is_trusted=is_trusted)


def _is_mine(path: str) -> bool:
    """Tell whether only this user can have written a file."""
    if not hasattr(os, "getuid"):
        return True
    status = os.stat(path)
    return status.st_uid == os.getuid() and not status.st_mode & stat.S_IWOTH
