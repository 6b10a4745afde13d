"""Recorded calls: what the records beside targets tell of them, run again and compared."""

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
from prefectx._calls import kept_arguments
from prefectx.stores import Filestore, formats, journal
from prefectx.stores import record as prefectx_records
from prefectx.stores.record import parsed
from prefectx.stores.self_written import SelfWritten
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.agree.hidden import sources_of_chance
from pytest_prefectx.agree.programs import finished, snapshot
from pytest_prefectx.equality import Difference, difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prefectx._naming.decorated import AnyTask
    from prefectx.stores.record import Record


class NotReplayed(Exception):
    """A recorded call cannot be made again; the message says why."""


class OutputDiffers(AssertionError):
    """A recorded call gives something else than what was kept.

    Attributes:
        call: The call.
        reason: Why, in one sentence, as far as that can be told.
    """

    def __init__(self, call: RecordedCall, text: str, reason: str) -> None:
        super().__init__(f"{call} gives something else than its target\n{text}\nWhy: {reason}")
        self.call: Final = call
        self.reason: Final = reason


class RecordedCall:
    """A call that filled a target.

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
        """How many bytes the target has."""
        return os.stat(os.path.join(self.root, self.target)).st_size

    @cached_property
    def task(self) -> Task[..., Any]:
        """The task as it is now.

        Raises:
            NotReplayed: There is none of that name.
        """
        return imported_task(self.record.task)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments by name; Items for outputs of other tasks.

        Raises:
            NotReplayed: The record does not have them all.
        """
        if self.record.args is None:
            msg = "its record has no arguments: it was written by an older version of prefectx"
            raise NotReplayed(msg)
        try:
            return kept_arguments.restore(self.record.args, is_trusted=self._is_trusted)
        except kept_arguments.NotKept as error:
            raise NotReplayed(str(error)) from None

    def kept(self) -> Any:
        """Return the output that was kept."""
        item: Item[Any] = Item(Filestore(self.root), self.target)
        return item.load()

    def run(self) -> Any:
        """Return what the function gives for the recorded arguments now; nothing is kept."""
        task = self.task
        if isinstance(task.naming.store, SelfWritten):
            msg = f"the task {task.name!r} writes its target itself, and would overwrite it"
            raise NotReplayed(msg)
        bound = bound_arguments(task.fn, load(self.arguments))
        with use_mode("function"):
            return load(finished(task.fn(*bound.args, **bound.kwargs)))

    def check(self) -> None:
        """Run the call again; compare what it gives with what was kept.

        Raises:
            OutputDiffers: It gives something else.
            NotReplayed: It cannot be run.
        """
        kept = self.kept()
        try:
            given = self.run()
        except NotReplayed:
            raise
        except Exception as error:
            text = f"  kept: {short_text(kept)}\n  now:  raised {type(error).__name__}: {error}"
            raise OutputDiffers(self, text, why_other(self.record, self.task)) from error
        if (found := difference_from_kept(self.target, kept, given)) is None:
            return
        reason = not_deterministic(self.task, snapshot(given), self.run)
        raise OutputDiffers(self, told(found), reason or why_other(self.record, self.task))


def difference_from_kept(target: str, kept: Any, given: Any) -> Difference | None:
    """Return the first difference between what was kept and what is given now.

    What the target's format makes of the new value counts as the same.
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
    """Return the reason why a task gives something else each time; None if it does not."""
    if difference(given, run()) is None:
        return None
    sources = sources_of_chance(task.fn)
    uses = f" It uses {', '.join(sources)}." if sources else ""
    return f"(not-deterministic) two runs with these arguments differ.{uses}"


def why_other(record: Record, task: AnyTask) -> str:
    """Return what has changed since a target was made, as far as its record tells."""
    if record.python != prefectx_records.python_version():
        return f"it was made by Python {record.python}, {record.made}."
    if record.code != task.code_hash:
        return f"the code of the task has changed since {record.made}."
    return (
        f"the code of the task is what it was at {record.made}: something else that it reads"
        " has changed, such as a helper, a constant, a package or a file."
    )


def told(found: Difference) -> str:
    """Return a difference as lines of a message."""
    where = f"  at result{found.path}: {found.why}" if found.path else f"  {found.why}"
    return f"{where}\n  kept: {short_text(found.left)}\n  now:  {short_text(found.right)}"


def imported_task(name: str) -> Task[..., Any]:
    """Return the task of a qualified name.

    Raises:
        NotReplayed: There is none.
    """
    if name.startswith("__main__.") or "<locals>" in name:
        msg = f"the task {name} is defined in a script or a function: nobody can import it"
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


def bound_arguments(
    function: Callable[..., Any], arguments: Mapping[str, Any]
) -> inspect.BoundArguments:
    """Return arguments by name as a call takes them."""
    bound = inspect.signature(function).bind_partial()
    bound.arguments.update(arguments)
    return bound


def recorded(folder: str | Path, per_task: int | None = None) -> list[RecordedCall]:
    """Return the recorded calls whose targets lie below a folder.

    Args:
        folder: A folder of targets, such as `"working"`.
        per_task: How many calls of each task, the smallest outputs first; by default all.

    Raises:
        FileNotFoundError: Neither this folder nor one around it has records.
    """
    path = os.path.abspath(folder)
    root = _root_of(path)
    prefix = "" if root == path else os.path.join(os.path.relpath(path, root), "")
    found = [call for call in _calls(root) if call.target.startswith(prefix)]
    return sample(found, per_task)


def sample(calls: Sequence[RecordedCall], per_task: int | None) -> list[RecordedCall]:
    """Return some calls of each task, those with the smallest outputs, in the order of names."""
    by_task: dict[str, list[RecordedCall]] = {}
    for call in sorted(calls, key=lambda call: (call.size, call.target)):
        by_task.setdefault(call.record.task, []).append(call)
    chosen = [call for group in by_task.values() for call in group[:per_task]]
    return sorted(chosen, key=lambda call: call.target)


def _root_of(path: str) -> str:
    for folder in (path, *map(str, Path(path).parents)):
        if os.path.isdir(os.path.join(folder, journal.FOLDER)):
            return folder
    msg = f"no records of prefectx in {path!r}, nor in a folder around it: run a flow there first"
    raise FileNotFoundError(msg)


def _calls(root: str) -> Iterator[RecordedCall]:
    latest: dict[str, Mapping[str, Any]] = {}
    for line in journal.lines(root):
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        if "failed" not in fields and isinstance(fields.get("target"), str):
            latest[fields["target"]] = fields
    is_trusted = all(map(_is_mine, journal.files(root)))
    for target, fields in latest.items():
        record = parsed(json.dumps(fields))
        if record is not None and os.path.isfile(os.path.join(root, target)):
            yield RecordedCall(root, target, record, is_trusted=is_trusted)


def _is_mine(path: str) -> bool:
    """Tell whether nobody but this user can have written a file."""
    if not hasattr(os, "getuid"):
        return True
    status = os.stat(path)
    return status.st_uid == os.getuid() and not status.st_mode & stat.S_IWOTH
