"""`prefectx rm` and `prefectx.remove`: remove targets."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

from prefectx._calls.task_report import seconds_text, size_text
from prefectx._words import counted
from prefectx.cli.catalogue import Catalogue
from prefectx.cli.finding import TaskFinder
from prefectx.cli.misuse import Misuse
from prefectx.cli.output import command_for, say, say_json, say_next, without
from prefectx.cli.reasons import reasons_of
from prefectx.cli.runs import runs
from prefectx.cli.selection import select
from prefectx.stores import Filestore, journal
from prefectx.stores import record as records

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Mapping

    from prefectx.cli.catalogue import Entry


def remove(  # noqa: PLR0913 - each is an option of the command
    *patterns: str,
    where: Mapping[str, str] | None = None,
    downstream: bool = False,
    stale: bool = False,
    failed: bool = False,
    orphans: bool = False,
    dry_run: bool = False,
    root: str = ".",
) -> list[str]:
    """Remove targets, so that the next run recomputes them; return their names.

    Args:
        *patterns: Targets, shell patterns of targets, or names of tasks.
        where: Patterns of arguments by name, as in `{"base": "abc*"}`.
        downstream: Whether to remove the targets that were made from them too.
        stale: Whether to remove stale targets only.
        failed: Whether to remove failed calls only.
        orphans: Whether to remove only targets whose task does not exist any more.
        dry_run: Whether to remove nothing, and only return the names.
        root: The folder of the targets.

    Raises:
        Misuse: No target is selected.

    Example:
        >>> remove("clean", where={"base": "report-*"}, downstream=True)
        []
    """
    conditions = [f"{name}={pattern}" for name, pattern in (where or {}).items()]
    kinds = _kinds(stale=stale, failed=failed, orphans=orphans)
    if not (patterns or conditions or kinds):
        msg = "remove what? Pass a target, a pattern or a task, or stale, failed or orphans."
        raise Misuse(msg)
    catalogue = Catalogue(root)
    entries = _select(catalogue, patterns, conditions, kinds, downstream=downstream)
    if not dry_run:
        _remove(catalogue, entries)
    return [entry.target for entry in entries]


def _kinds(*, stale: bool, failed: bool, orphans: bool) -> set[str]:
    each = {"stale": stale, "failed": failed, "orphan": orphans}
    return {kind for kind, is_asked in each.items() if is_asked}


def _select(
    catalogue: Catalogue,
    patterns: Iterable[str],
    conditions: list[str],
    kinds: set[str],
    *,
    downstream: bool,
) -> list[Entry]:
    tasks = TaskFinder()
    entries = select(catalogue, list(patterns), conditions)
    if kinds:
        entries = [e for e in entries if kinds & _kinds_of(e, catalogue, tasks)]
    if downstream:
        entries = _with_downstream(catalogue, entries)
    return [entry for entry in entries if entry.exists or entry.failed is not None]


def _kinds_of(entry: Entry, catalogue: Catalogue, tasks: TaskFinder) -> set[str]:
    found = {reason.kind for reason in reasons_of(entry, catalogue, tasks)}
    return found | ({"stale"} if found else set())


def _with_downstream(catalogue: Catalogue, entries: list[Entry]) -> list[Entry]:
    users: dict[str, list[Entry]] = {}
    for entry in catalogue:
        for target in entry.upstream:
            users.setdefault(target, []).append(entry)
    found = {entry.target: entry for entry in entries}
    waiting = list(entries)
    while waiting:
        for user in users.get(waiting.pop().target, ()):
            if user.target not in found:
                found[user.target] = user
                waiting.append(user)
    return list(found.values())


def _remove(catalogue: Catalogue, entries: list[Entry]) -> None:
    store = Filestore(catalogue.root)
    for entry in entries:
        path = os.path.join(catalogue.root, entry.target)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        store.delete(entry.target)
        if entry.failed is not None:
            _forget_failure(catalogue, entry)


def _forget_failure(catalogue: Catalogue, entry: Entry) -> None:
    known = {**catalogue.details(entry), "made": records.now(), "removed": True}
    known = {name: value for name, value in known.items() if name not in {"failed", "traceback"}}
    journal.append(catalogue.root, json.dumps(known))


def rm(options: Namespace) -> int:
    """Print the targets and the time that they took to make; ask; remove them."""
    kinds = _kinds(stale=options.stale, failed=options.failed, orphans=options.orphans)
    if not (options.pattern or options.where or kinds):
        msg = "rm what? Pass a target, a pattern or a task, or --stale, --failed or --orphans."
        raise Misuse(msg)
    catalogue = Catalogue(options.root)
    entries = _select(
        catalogue, options.pattern, options.where, kinds, downstream=options.downstream
    )
    if options.json:
        say_json([entry.target for entry in entries])
    elif not entries:
        say("nothing to remove")
        say_next(command_for(options, "status"))
    else:
        _announce(entries)
    if options.dry_run or not entries:
        if entries and not options.json:
            say_next(without(options, "--dry-run"))
        return 0
    if not (options.yes or _is_confirmed(len(entries))):
        say("nothing was removed")
        return 1
    _remove(catalogue, entries)
    if not options.json:
        say(f"removed {len(entries):,}")
        tasks = {entry.task for entry in entries}
        ahead = runs(catalogue, options, tasks, ("plan", "run"))
        say_next(*ahead or [command_for(options, "status")])
    return 0


def _announce(entries: list[Entry]) -> None:
    for entry in entries[:_SHOWN]:
        say(f"  {entry.target}  {size_text(entry.size)}  {seconds_text(entry.seconds)}")
    if len(entries) > _SHOWN:
        say(f"  and {len(entries) - _SHOWN:,} more")
    size = size_text(sum(entry.size for entry in entries))
    seconds = seconds_text(sum(entry.seconds for entry in entries))
    say(f"{counted(len(entries), 'target')}, {size}, which took {seconds} to make")


_SHOWN = 20


def _is_confirmed(number: int) -> bool:
    if not sys.stdin.isatty():
        msg = (
            "rm cannot ask, because standard input is not a terminal. Use --yes to remove the"
            " targets, or --dry-run to list them."
        )
        raise Misuse(msg)
    sys.stdout.write(f"remove {number:,}? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
