"""`prefectx show`, `sample` and `why`: details of targets."""

from __future__ import annotations

import inspect
import json
import os
import random
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from prefectx._calls.recorded_arguments import text_of
from prefectx._calls.task_report import in_one_line, seconds_text, size_text
from prefectx._values.item import Item
from prefectx._words import counted
from prefectx.cli.catalogue import Catalogue
from prefectx.cli.finding import TaskFinder
from prefectx.cli.output import command_for, say, say_json, say_next
from prefectx.cli.reasons import reasons_of
from prefectx.cli.selection import find_entry, select
from prefectx.stores import Filestore
from prefectx.stores.journal import source_path

if TYPE_CHECKING:
    from argparse import Namespace

    from prefectx.cli.catalogue import Entry

_LONGEST: Final = 2_000
_LINES: Final = 20


def value_of(catalogue: Catalogue, entry: Entry) -> Any:
    """Return the data of a target."""
    item: Item[Any] = Item(Filestore(catalogue.root), entry.target)
    return item.load()


def format_value(value: Any, longest: int = _LONGEST) -> str:
    """Return a value as text for people: a table, an array, JSON, a text, any object."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, dict | list | tuple):
        try:
            text = json.dumps(value, indent=2, ensure_ascii=False)
        except (TypeError, ValueError):
            text = _pretty(value)
    else:
        text = str(value) if hasattr(value, "shape") else _pretty(value)
    lines = text.splitlines() or [""]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"… {counted(len(lines) - _LINES, 'more line')}"]
    text = "\n".join(lines)
    return text if len(text) <= longest else f"{text[:longest]}… {len(text) - longest:,} more"


def _pretty(value: Any) -> str:
    from pprint import pformat

    return pformat(value, width=100)


def show(options: Namespace) -> int:
    """Print a target: its data, its record, its inputs, and the targets made from it."""
    catalogue = Catalogue(options.root)
    entry = find_entry(catalogue, options.target)
    known, users = catalogue.details(entry), used_by(catalogue, entry)
    if options.json:
        about = {"target": entry.target, "exists": entry.exists, "used_by": users}
        data = _data(catalogue, entry) if entry.exists else {}
        say_json({**known, **about, **data})
        if entry.failed is not None or "error" in data:
            return 2
        return 0 if entry.exists else 1
    say(f"{entry.target}  ({size_text(entry.size)})" if entry.exists else entry.target)
    _say_record(entry, known)
    for name, targets in (("made from", list(entry.upstream)), ("used by", users)):
        for target in targets[:_LINES]:
            say(f"  {name}  {target}")
        if len(targets) > _LINES:
            say(f"  {name}  {len(targets) - _LINES:,} more")
    say()
    if entry.failed is not None:
        say(str(known.get("traceback", entry.failed)).rstrip())
        say_next(command_for(options, "debug", entry.target, "--pdb"))
        return 2
    if not entry.exists:
        say("it does not exist")
        say_next(command_for(options, "why", entry.target))
        return 1
    say(format_value(value_of(catalogue, entry)))
    # Nothing can be called again of which there is no record.
    verbs = ("why", "debug") if known.get("args") is not None else ("why",)
    say_next(*(command_for(options, verb, entry.target) for verb in verbs))
    return 0


def _data(catalogue: Catalogue, entry: Entry) -> dict[str, str]:
    """Return the data of a target as text, or the error for which it cannot be read."""
    try:
        return {"value": format_value(value_of(catalogue, entry))}
    except Exception as error:  # noqa: BLE001 - loading runs the code of the data's classes
        return {"error": in_one_line(error)}


def _say_record(entry: Entry, known: dict[str, Any]) -> None:
    if not known:
        say("  no record of how it was made")
        return
    made = entry.made[:19].replace("T", " ")
    who = f"{known.get('by', '?')}@{known.get('host', '?')}"
    say(f"  task       {entry.task}")
    say(f"  made       {made} UTC by {who} in {seconds_text(entry.seconds)}")
    args: dict[str, Any] = known.get("args") or {}
    for name, value in args.items():
        say(f"  {name:<9}  {text_of(value)}")
    if shape := known.get("shape"):
        say(f"  shape      {_format_shape(shape)}")
    if accepted := known.get("accepted"):
        say(f"  accepted   {accepted}")


def _format_shape(shape: dict[str, Any]) -> str:
    if "rows" not in shape:
        return f"{' x '.join(map(str, shape['shape']))} {shape['dtype']}"
    kinds = ", ".join(f"{name}: {kind}" for name, kind in shape["dtypes"].items())
    return f"{counted(shape['rows'], 'row')}, {counted(shape['columns'], 'column')} ({kinds})"


def used_by(catalogue: Catalogue, entry: Entry) -> list[str]:
    """Return the targets that were made from this one."""
    return [other.target for other in catalogue if entry.target in other.upstream]


def sample(options: Namespace) -> int:
    """Print some targets of a task, picked at random."""
    catalogue = Catalogue(options.root)
    there = [entry for entry in select(catalogue, [options.task]) if entry.exists]
    there.sort(key=lambda entry: entry.target)
    # The same targets each time, so that two people see the same.
    picked = random.Random(options.seed).sample(  # noqa: S311 - nothing secret
        there, min(options.number, len(there))
    )
    if options.json:
        say_json(
            [{"target": e.target, "value": format_value(value_of(catalogue, e))} for e in picked]
        )
    for entry in [] if options.json else picked:
        say(f"{entry.target}  ({size_text(entry.size)})")
        say(format_value(value_of(catalogue, entry), 500))
        say()
    if not picked:
        if not options.json:
            say(f"{options.task} has no targets")
            say_next(command_for(options, "status"))
        return 1
    if not options.json:
        say(f"{len(picked)} of {len(there):,}")
        say_next(command_for(options, "show", picked[0].target))
    return 0


def why(options: Namespace) -> int:
    """Print the reasons why targets are stale, one per line."""
    catalogue, tasks = Catalogue(options.root), TaskFinder()
    entries = select(catalogue, [options.what]) or [find_entry(catalogue, options.what)]
    found = {entry: reasons_of(entry, catalogue, tasks) for entry in entries}
    stale = {entry: reasons for entry, reasons in found.items() if reasons}
    if options.json:
        say_json({entry.target: [list(r) for r in reasons] for entry, reasons in stale.items()})
    elif not stale:
        names = entries[0].target if len(entries) == 1 else f"all {len(entries):,} targets"
        say(f"{names}: fresh, according to the records")
        say_next(command_for(options, "show", entries[0].target))
    else:
        _say_why(stale, catalogue, tasks, options)
    if any(entry.failed is not None for entry in stale):
        return 2
    return 1 if stale else 0


def _say_why(
    stale: dict[Entry, list[Any]], catalogue: Catalogue, tasks: TaskFinder, options: Namespace
) -> None:
    told_code: set[str] = set()
    for entry, reasons in islice(stale.items(), _LINES):
        for reason in reasons:
            say(f"{entry.target}: {reason.text}")
            if reason.kind == "code" and entry.task not in told_code:
                told_code.add(entry.task)
                _say_code(source_path(catalogue.root, entry.code), tasks.get(entry.task))
    if len(stale) > _LINES:
        say(f"and {counted(len(stale) - _LINES, 'more target')}")
    first = next(iter(stale))
    verb = "debug" if first.failed is not None else "show"
    say_next(command_for(options, verb, first.target))


def _say_code(path: str, task: Any) -> None:
    """Print the changes of a function, if the code that made the target is recorded."""
    import difflib

    if task is None or not os.path.isfile(path):
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        before = file.read()
    try:
        now = inspect.getsource(task.fn)
    except (OSError, TypeError):
        return
    lines = difflib.unified_diff(before.splitlines(), now.splitlines(), "then", "now", lineterm="")
    for line in islice(lines, 2 * _LINES):
        say(f"    {line}")
