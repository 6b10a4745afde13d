"""Selection of targets by the command's arguments."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from prefectx.cli.misuse import Misuse
from prefectx.cli.recovered import Recovered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefectx.cli.catalogue import Catalogue, Entry


def select(catalogue: Catalogue, patterns: Sequence[str], where: Iterable[str] = ()) -> list[Entry]:
    """Return the targets that match any of the patterns and all conditions.

    Args:
        catalogue: All targets.
        patterns: Targets, shell patterns of targets, or names of tasks; none for all.
        where: Conditions on arguments, task and base, such as `base=abc*` or `path=*.html`.

    Raises:
        Misuse: A condition has no `=`.
    """
    conditions = [_condition(text) for text in where]
    if not (patterns or conditions):
        return list(catalogue)
    recovered = Recovered(catalogue, patterns)
    picked = [
        entry
        for entry in catalogue
        if not patterns
        or _matches(entry, patterns, catalogue)
        or recovered.task_of(entry) in patterns
    ]
    return [
        entry
        for entry in picked
        if all(_holds(catalogue, entry, recovered, *c) for c in conditions)
    ]


def find_entry(catalogue: Catalogue, target: str) -> Entry:
    """Return the entry of one target, by its name, its path or a unique beginning.

    Raises:
        Misuse: There is no such target, or several begin so.
    """
    name = _relative(target, catalogue)
    found = catalogue.entries.get(name)
    if found is not None:
        return found
    # As with a commit's hash, a unique beginning is enough.
    beginning = [entry for key, entry in catalogue.entries.items() if key.startswith(name)]
    if len(beginning) == 1:
        return beginning[0]
    import difflib

    nearest = difflib.get_close_matches(name, list(catalogue.entries), n=3)
    hint = f" Similar targets: {', '.join(nearest)}." if nearest else ""
    msg = f"there is no target {target!r} below {catalogue.root}.{hint}"
    raise Misuse(msg)


def _relative(target: str, catalogue: Catalogue) -> str:
    name = target.removeprefix("./")
    prefix = os.path.join(catalogue.root, "")
    return name.removeprefix(prefix)


def _matches(entry: Entry, patterns: Sequence[str], catalogue: Catalogue) -> bool:
    for pattern in patterns:
        name = _relative(pattern, catalogue)
        if entry.target == name or pattern in {entry.task, entry.task_name}:
            return True
        if fnmatchcase(entry.target, name) or entry.target.startswith(f"{name.rstrip('/')}/"):
            return True
    return False


def _condition(text: str) -> tuple[str, str]:
    name, equals, pattern = text.partition("=")
    if not equals:
        msg = f"--where {text!r} is not NAME=PATTERN, as in base=abc*"
        raise Misuse(msg)
    return name, pattern


def _holds(
    catalogue: Catalogue, entry: Entry, recovered: Recovered, name: str, pattern: str
) -> bool:
    return fnmatchcase(parameters(catalogue, entry, recovered).get(name, "\0"), pattern)


def parameters(catalogue: Catalogue, entry: Entry, recovered: Recovered) -> dict[str, str]:
    """Return the base, the task and the arguments of a call, as texts by name.

    Args:
        catalogue: All targets.
        entry: The target.
        recovered: Recovers them for a file without a record.
    """
    from prefectx._calls.recorded_arguments import text_of

    found = {"base": entry.base, "task": entry.task_name, **recovered.parameters(entry)}
    args: dict[str, Any] = catalogue.details(entry).get("args") or {}
    for key, value in args.items():
        text = text_of(value)
        # Without quotes, as a person types it.
        found[key] = text[1:-1] if text[:1] == text[-1:] and text[:1] in {"'", '"'} else text
    return found
