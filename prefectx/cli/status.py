"""`prefectx status` and `prefectx ls`: targets, one line for each task or each target."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from prefectx._calls.task_report import seconds_text, size_text
from prefectx.cli.catalogue import Catalogue
from prefectx.cli.finding import TaskFinder, flow_at, tasks_of
from prefectx.cli.output import again, command_for, say, say_json, say_next, say_table
from prefectx.cli.reasons import REASONS, reasons_of
from prefectx.cli.recovered import Recovered
from prefectx.cli.runs import runs
from prefectx.cli.selection import parameters, select

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from prefectx.cli.catalogue import Entry


NO_RECORD: Final = "(no record)"


class TaskStatus:
    """The counts of one task's targets."""

    def __init__(self, task: str) -> None:
        self.task = task
        self.targets = 0
        self.fresh = 0
        self.bytes = 0
        self.seconds = 0.0
        self.reasons: Counter[str] = Counter()
        self.folder: str | None = None

    def add(self, entry: Entry, kinds: set[str]) -> None:
        """Count a target, with the reasons why it is stale."""
        self.targets += 1
        self.seconds += entry.seconds
        if kinds:
            self.reasons.update(kinds)
        else:
            self.fresh += 1
        if entry.exists:
            self.bytes += entry.size
        if not self.folder:
            self.folder = entry.target.rpartition("/")[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the counts for JSON."""
        return {
            "task": self.task,
            "targets": self.targets,
            "fresh": self.fresh,
            **{reason: self.reasons[reason] for reason in REASONS},
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "folder": self.folder,
        }


def status(options: Namespace) -> int:
    """Print the counts of each task's targets, with a column for each reason."""
    # A flow's import makes the tasks of scripts known.
    flows = [flow_at(what) for what in options.what if _is_flow(what)]
    patterns = [what for what in options.what if not _is_flow(what)]
    names = {name for flow in flows for name in tasks_of(flow)}
    catalogue, tasks = Catalogue(options.root), TaskFinder()
    lines: dict[str, TaskStatus] = {}
    for name in sorted(names):
        if (task := tasks.get(name)) is not None and task.options.get("target", "") is not None:
            lines[name] = TaskStatus(name)
    chosen = select(catalogue, patterns) if patterns or not flows else []
    chosen += [entry for entry in catalogue if entry.task in names]
    for entry in {entry.target: entry for entry in chosen}.values():
        kinds = {reason.kind for reason in reasons_of(entry, catalogue, tasks)}
        if (line := lines.get(entry.task)) is None:
            line = lines[entry.task] = TaskStatus(entry.task or NO_RECORD)
        line.add(entry, kinds)
    if options.json:
        say_json([line.as_dict() for line in lines.values()])
    elif not lines:
        of = f" of {', '.join(options.what)}" if options.what else ""
        say(f"no targets{of} below {catalogue.root}")
        flow = next((what for what in options.what if _is_flow(what)), None)
        ahead = runs(catalogue, options) if flow is None else [command_for(options, "run", flow)]
        say_next(*ahead or [command_for(options, "run", "--help")])
    else:
        _say(list(lines.values()), options)
    catalogue.compact()
    return _code(lines.values())


def _is_flow(what: str) -> bool:
    return ":" in what or what.endswith(".py")


def _say(lines: list[TaskStatus], options: Namespace) -> None:
    shown = [reason for reason in REASONS if any(line.reasons[reason] for line in lines)]
    titles = ["task", "targets", "fresh", *shown, "size", "time", "folder"]
    rows = [
        [
            line.task.rpartition(".")[2],
            f"{line.targets:,}",
            f"{line.fresh:,}",
            *(f"{line.reasons[reason]:,}" for reason in shown),
            size_text(line.bytes),
            seconds_text(line.seconds),
            f"{line.folder}/" if line.folder else "",
        ]
        for line in lines
    ]
    say_table(titles, rows)
    stale = next((line for line in lines if line.fresh < line.targets), None)
    named = stale or max(lines, key=lambda line: line.targets)
    if named.task == NO_RECORD:
        # A target that the task has not made has no reasons.
        say_next(command_for(options, "ls", f"{named.folder}/*" if named.folder else "*"))
    else:
        verb = "ls" if stale is None else "why"
        say_next(command_for(options, verb, named.task.rpartition(".")[2]))


def _code(lines: Any) -> int:
    counted: Counter[str] = Counter()
    for line in lines:
        counted.update(line.reasons)
    if counted["failed"]:
        return 2
    return 1 if counted.total() else 0


def ls(options: Namespace) -> int:
    """Print the selected targets."""
    catalogue, tasks = Catalogue(options.root), TaskFinder()
    found: list[tuple[Entry, list[str]]] = []
    asked = {"failed": options.failed, "orphan": options.orphans}
    wanted = {kind for kind, is_asked in asked.items() if is_asked}
    for entry in select(catalogue, options.pattern, options.where):
        needs = options.stale or options.orphans or options.json
        kinds = [reason.kind for reason in reasons_of(entry, catalogue, tasks)] if needs else []
        if entry.failed is not None and "failed" not in kinds:
            kinds.append("failed")
        if (options.stale and not kinds) or (wanted and not wanted & set(kinds)):
            continue
        found.append((entry, kinds))
    keys: dict[str, Callable[[tuple[Entry, list[str]]], Any]] = {
        "target": lambda pair: pair[0].target,
        "size": lambda pair: -pair[0].size,
        "time": lambda pair: -pair[0].seconds,
        "made": lambda pair: pair[0].made,
    }
    found.sort(key=keys[options.sort])
    if options.json:
        recovered = Recovered(catalogue, options.pattern)
        say_json([_as_dict(catalogue, recovered, *pair) for pair in found])
    else:
        _list(catalogue, found, options)
    catalogue.compact()
    if any(entry.failed is not None for entry, _ in found):
        return 2
    return 1 if any(kinds or not entry.exists for entry, kinds in found) else 0


def _as_dict(
    catalogue: Catalogue, recovered: Recovered, entry: Entry, kinds: list[str]
) -> dict[str, Any]:
    return {
        "target": entry.target,
        "task": entry.task,
        "exists": entry.exists,
        "bytes": entry.size,
        "seconds": entry.seconds,
        "made": entry.made,
        "reasons": kinds,
        "failed": entry.failed,
        "parameters": parameters(catalogue, entry, recovered),
    }


def _list(catalogue: Catalogue, found: list[tuple[Entry, list[str]]], options: Namespace) -> None:
    if not found:
        say("no such targets")
        say_next(command_for(options, "status"))
        return
    rows = [
        [
            entry.target,
            entry.failed or (size_text(entry.size) if entry.exists else "missing"),
            seconds_text(entry.seconds),
            entry.made[:19].replace("T", " "),
            ", ".join(kinds),
        ]
        for entry, kinds in found[: options.most]
    ]
    say_table(["target", "size", "time", "made (UTC)", "stale"], rows)
    if len(found) > options.most:
        say(f"and {len(found) - options.most:,} more: {again(options, '-n', str(len(found)))}")
    first = found[0][0]
    verb = "debug" if first.failed is not None else "show"
    say_next(command_for(options, verb, first.target))
