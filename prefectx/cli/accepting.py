"""The command `accept`: a person marks outputs as current."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.argument_code import hashes_of
from prefectx._identity.file_fingerprint import FileFingerprint
from prefectx._words import counted
from prefectx.cli.argument_code import code_of_recorded_arguments
from prefectx.cli.catalogue import Catalogue
from prefectx.cli.finding import TaskFinder
from prefectx.cli.output import command_for, say, say_json, say_next
from prefectx.cli.selection import select
from prefectx.stores import Filestore, journal
from prefectx.stores import record as records
from prefectx.stores.record import parsed

if TYPE_CHECKING:
    from argparse import Namespace

    from prefectx.cli.catalogue import Entry

_SHOWN: Final = 20


def accept(options: Namespace) -> int:
    """Mark existing targets as current, with the user, the time and the reason."""
    catalogue, tasks = Catalogue(options.root), TaskFinder()
    entries = [entry for entry in select(catalogue, options.pattern) if entry.exists]
    accepted: list[str] = []
    refused: list[str] = []
    for entry in entries:
        why = _accept(catalogue, entry, tasks, options.reason)
        if why is None:
            accepted.append(entry.target)
        else:
            refused.append(f"  {entry.target}: {why}")
    if options.json:
        say_json(accepted)
    else:
        say(f"accepted {len(accepted):,} of {counted(len(entries), 'target')}")
        for line in refused[:_SHOWN]:
            say(line)
        say_next(command_for(options, "status"))
    return 0 if accepted else 1


def _accept(catalogue: Catalogue, entry: Entry, tasks: TaskFinder, reason: str) -> str | None:
    """Mark a target as current; return why that cannot be done, or None."""
    store = Filestore(catalogue.root)
    found = records.read(store, entry.target)
    if found is not None and not found.complete:
        return "the call that was making it was interrupted: call its task again"
    # The target may have an older output, whose record is not the latest in the journal.
    own = {} if found is None else found._asdict()
    # The journal has what was too long for the record, if it is that of the same call.
    whole = catalogue.details(entry)
    if found is None or whole.get("key") == found.key:
        own = {name: value for name, value in own.items() if value is not None}
        known = {**whole, **own}
    else:
        known = own
    if not known.get("task"):
        return "it has no record, so nobody knows what made it; it is used as it is"
    if known["task"] == entry.task:
        task = tasks.task_of(entry, catalogue)
    else:
        task = tasks.get(str(known["task"]), [known["file"]] if known.get("file") else [])
    if task is None:
        return tasks.why.get(str(known["task"]), "its task does not exist")
    # The age of the output stays, so nothing downstream becomes outdated.
    known["output_made"] = own.get("output_made") or own.get("made") or entry.output_made
    known.update(code=task.code.hash, python=records.python_version(), made=records.now())
    if known.get("args_code"):
        now = code_of_recorded_arguments(known, is_trusted=catalogue.is_trusted(entry))
        known["args_code"] = known["args_code"] if now is None else hashes_of(now)
    _note_files(known, os.path.join(catalogue.root, entry.target), catalogue.root)
    told = f"by {records.user()} at {known['made']}: {reason}"
    if (record := parsed(json.dumps(known))) is not None:
        records.write(store, entry.target, record)
    journal.append(catalogue.root, json.dumps({**known, "target": entry.target, "accepted": told}))
    return None


def _note_files(known: dict[str, Any], output: str, root: str) -> None:
    """Note the input files, and an output that a function wrote itself, as they are now."""
    if known.get("files"):
        paths = {path: os.path.join(root, path) for path in known["files"]}
        known["files"] = {path: FileFingerprint.of(full) for path, full in paths.items()}
    if known.get("output") is not None:
        known["output"] = FileFingerprint.of(output, is_output=True)
