"""`prefectx diff`: where the outputs at two targets differ."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.short_text import short_text
from prefectx.cli.catalogue import Catalogue
from prefectx.cli.output import command_for, say, say_json, say_next
from prefectx.cli.selection import find_entry
from prefectx.cli.show import value_of

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator

_SHOWN: Final = 20
_LONGEST: Final = 60


def diff(options: Namespace) -> int:
    """Print the first difference inside the data of two targets, or the rows that differ."""
    catalogue = Catalogue(options.root)
    one, other = (
        value_of(catalogue, find_entry(catalogue, target))
        for target in (options.one, options.other)
    )
    lines = list(differences(one, other))
    if options.json:
        say_json(lines)
    elif not lines:
        say("no difference")
    else:
        for line in islice(lines, _SHOWN):
            say(line)
        if len(lines) > _SHOWN:
            say(f"and {len(lines) - _SHOWN:,} more: prefectx diff --json has all")
        say_next(*(command_for(options, "show", target) for target in (options.one, options.other)))
    return 1 if lines else 0


def differences(one: Any, other: Any) -> list[str]:
    """Return the differences between two values, one line each; none if they are identical."""
    from pytest_prefectx.equality import difference

    found: list[str] = []
    if isinstance(one, str) and isinstance(other, str):
        found = list(_lines(one, other))
    elif all(hasattr(value, "iterrows") for value in (one, other)):
        found = list(_rows(one, other))
    if found:
        return found
    # Texts may differ in how their lines end, and tables in their types.
    first = difference(one, other)
    if first is None:
        return []
    at = f"at {first.path}: " if first.path else ""
    return [f"{at}{first.why}: {_brief(first.left)} and {_brief(first.right)}"]


def _lines(one: str, other: str) -> Iterable[str]:
    import difflib

    return difflib.unified_diff(
        one.splitlines(), other.splitlines(), "one", "other", lineterm="", n=1
    )


def _rows(one: Any, other: Any) -> Iterator[str]:
    from pytest_prefectx.equality import identical

    names = list(one.columns)
    if names != list(other.columns):
        yield f"columns: {names} and {list(other.columns)}"
        return
    if len(one) != len(other):
        yield f"rows: {len(one):,} and {len(other):,}"
    for name, mine, theirs in zip(names, one.dtypes, other.dtypes, strict=True):
        if mine != theirs:
            yield f"column {name}: dtype {mine} and {theirs}"
    # By number: several columns may have one name.
    columns = [zip(one.iloc[:, n], other.iloc[:, n], strict=False) for n in range(len(names))]
    for index, row in zip(one.index, zip(*columns, strict=True), strict=False):
        for name, (mine, theirs) in zip(names, row, strict=True):
            if not identical(mine, theirs):
                yield f"row {index}, {name}: {_brief(mine)} and {_brief(theirs)}"


def _brief(value: Any) -> str:
    text = repr(value)
    return short_text(value) if len(text) > _LONGEST or "\n" in text else text
