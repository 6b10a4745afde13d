"""Reasons why a target is stale, missing or failed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._calls.freshness import is_too_old
from prefectx._identity.argument_code import hashes_of
from prefectx._identity.file_fingerprint import is_unchanged
from prefectx.cli.argument_code import code_of_recorded_arguments
from prefectx.stores.journal import changed_parts

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from prefectx._api.task import Task
    from prefectx.cli.catalogue import Catalogue, Entry
    from prefectx.cli.finding import TaskFinder

REASONS: Final = ("missing", "code", "inputs", "files", "upstream", "expired", "failed", "orphan")


class Reason(NamedTuple):
    """One reason why a target is stale.

    Attributes:
        kind: One of `REASONS`.
        text: The reason in words.
    """

    kind: str
    text: str


def reasons_of(entry: Entry, catalogue: Catalogue, tasks: TaskFinder) -> list[Reason]:
    """Return all reasons that apply to a target."""
    found: list[Reason] = []
    if entry.failed is not None:
        found.append(Reason("failed", f"its last call, {_when(entry)}, raised {entry.failed}"))
    elif not entry.exists:
        found.append(Reason("missing", f"it was made {_when(entry)} and does not exist any more"))
    if not entry.task:
        return found
    task = tasks.task_of(entry, catalogue)
    if task is None:
        found.append(Reason("orphan", tasks.why.get(entry.task, "its task does not exist")))
    if entry.exists:
        found.extend(_of_existing(entry, catalogue, tasks, task))
    return found


def _of_existing(
    entry: Entry, catalogue: Catalogue, tasks: TaskFinder, task: Task[..., Any] | None
) -> Iterator[Reason]:
    if task is not None:
        if entry.code and entry.code != tasks.code_hash(task):
            yield _code(entry, catalogue, task)
        if entry.args_code:
            yield from _code_of_arguments(entry, catalogue)
        if task.expires is not None and entry.made:
            yield from _expired(entry, task.expires)
    if entry.files:
        yield from _files(entry, catalogue)
    if entry.upstream:
        yield from _upstream(entry, catalogue)


def _code(entry: Entry, catalogue: Catalogue, task: Task[..., Any]) -> Reason:
    names = changed_parts(catalogue.root, entry.code, task.code.parts)
    parts = f": {', '.join(names)}" if names else ""
    text = f"the code of {task.name} has changed since it was made, {_when(entry)}{parts}"
    return Reason("code", text)


def _code_of_arguments(entry: Entry, catalogue: Catalogue) -> list[Reason]:
    now = code_of_recorded_arguments(
        catalogue.details(entry), is_trusted=catalogue.is_trusted(entry)
    )
    if now is None:
        # The call itself compares them.
        return []
    hashes = hashes_of(now)
    found: list[Reason] = []
    for name, before in entry.args_code:
        if hashes.get(name) == before:
            continue
        names = changed_parts(catalogue.root, before, now.get(name, {}))
        parts = f": {', '.join(names)}" if names else ""
        text = f"the code in its argument {name} has changed since it was made, {_when(entry)}"
        found.append(Reason("code", f"{text}{parts}"))
    return found


def _expired(entry: Entry, expires: datetime.timedelta) -> list[Reason]:
    if not is_too_old(entry.made, expires):
        return []
    return [Reason("expired", f"it is not of the last {expires}: it was made {_when(entry)}")]


def _files(entry: Entry, catalogue: Catalogue) -> list[Reason]:
    return [
        Reason("files", f"its input {path} has changed since it was made")
        for path, found in entry.files
        if not is_unchanged(os.path.join(catalogue.root, path), found)
    ]


def _upstream(entry: Entry, catalogue: Catalogue) -> list[Reason]:
    found: list[Reason] = []
    for target in entry.upstream:
        source = catalogue.entries.get(target)
        if source is None or (not source.exists and source.failed is None):
            found.append(Reason("upstream", f"{target}, which it was made from, does not exist"))
        elif source.failed is not None:
            found.append(Reason("upstream", f"{target}, which it was made from, has failed since"))
        elif source.output_made > entry.made:
            text = f"{target}, which it was made from, was recomputed {_when(source)}"
            found.append(Reason("upstream", text))
    return found


def _when(entry: Entry) -> str:
    return f"at {entry.made[:19].replace('T', ' ')} UTC" if entry.made else "at an unknown time"
