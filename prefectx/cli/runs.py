"""Commands that run a flow again, as the journal knows it."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any

from prefectx.cli.output import command_for

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from prefectx.cli.catalogue import Catalogue


def runs(
    catalogue: Catalogue,
    options: Namespace,
    tasks: set[str] | None = None,
    verbs: tuple[str, ...] = ("run",),
) -> list[str]:
    """Return the commands for the last run of a flow; none if no flow is known.

    Args:
        catalogue: All targets.
        options: The options of this command.
        tasks: The flow has called one of these tasks; by default it may be any.
        verbs: The commands, such as `run`.
    """
    last = max(
        (run for run in catalogue.runs.values() if _has_called(run, tasks)),
        key=lambda run: str(run.get("made", "")),
        default=None,
    )
    flow = None if last is None else _place(last)
    if last is None or flow is None:
        return []
    given = list(_parameters(last))
    return [command_for(options, verb, flow, *given) for verb in verbs]


def _has_called(run: dict[str, Any], tasks: set[str] | None) -> bool:
    return tasks is None or not tasks.isdisjoint(run.get("tasks") or ())


def _parameters(run: dict[str, Any]) -> Iterator[str]:
    for pair in run.get("parameters") or ():
        yield from ("-p", str(pair))


def _place(run: dict[str, Any]) -> str | None:
    """Return `module:flow`, or `file.py:flow` for a module that is not found from here."""
    module, _, name = str(run["flow"]).partition(":")
    file = run.get("file")
    if module != "__main__" and _finds(module, file):
        return f"{module}:{name}"
    if isinstance(file, str) and file.endswith(".py") and os.path.exists(file):
        near = os.path.relpath(file)
        return f"{file if near.startswith('..') else near}:{name}"
    return None


def _finds(module: str, file: object) -> bool:
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return False
    return found is not None and (file is None or found.origin == file)
