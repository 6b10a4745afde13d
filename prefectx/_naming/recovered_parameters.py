"""Parameters of a call, recovered from its target through the template that made the name."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from prefectx._naming.default_base import NO_ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

_AS_TEXT: Final = {-1, ord("s")}
"""The conversions of a field that leave a text as it is: none, and `!s`."""


def recovered_parameters(
    body: str, target: str, task_name: str, parameters: Sequence[str] = ()
) -> dict[str, str] | None:
    """Return the values in a target by name; None if the template cannot have made it.

    A value is left out if the target does not say where it begins and ends, or if the template
    has only something computed from it.

    Args:
        body: The template as the source of an f-string.
        target: The target.
        task_name: The task's name, `{funcname}`.
        parameters: The task's parameters, if `{base}` is made from them: that of a task with one
            parameter is its value.

    Example:
        >>> recovered_parameters("f'out/{kind}/{day}.json'", "out/rain/monday.json", "count")
        {'kind': 'rain', 'day': 'monday'}
        >>> recovered_parameters("f'{a}-{b}'", "x-y-z", "pair")
        {}
    """
    shortest, longest = _patterns(body, task_name)
    first, last = shortest.fullmatch(target), longest.fullmatch(target)
    if first is None or last is None:
        return None
    # These are the first and the last of all ways to split the target, so the values before the
    # first difference are the same in all of them.
    values = takewhile(lambda pair: pair[1] == last[pair[0]], first.groupdict().items())
    found = {name: value for name, value in values if name[:1] != "_"}
    base = found.get("base")
    if len(parameters) == 1 and base is not None and base != NO_ARGUMENTS and "~" not in base:
        found.setdefault(parameters[0], base)
    return found


@lru_cache
def _patterns(body: str, task_name: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return two patterns of a template's targets, which take as little or as much as they can."""
    tree = ast.parse(body, mode="eval").body
    pieces: list[str] = []
    known: set[str] = set()
    for number, part in enumerate(tree.values if isinstance(tree, ast.JoinedStr) else [tree]):
        if isinstance(part, ast.Constant):
            pieces.append(re.escape(str(part.value)))
            continue
        name = _plain_name(part)
        if name in {"funcname", "taskname"}:
            pieces.append(re.escape(task_name))
        elif name in known:
            pieces.append(f"(?P={name})")
        else:
            known.add(name)
            pieces.append(f"(?P<{name or f'_{number}'}>.+?)")
    shortest = "".join(pieces)
    flags = re.DOTALL
    return re.compile(shortest, flags), re.compile(shortest.replace(".+?)", ".+)"), flags)


def _plain_name(part: ast.expr) -> str:
    """Return the name in a field that is nothing but one; "" for any other field."""
    if (
        isinstance(part, ast.FormattedValue)
        and isinstance(part.value, ast.Name)
        and part.format_spec is None
        and part.conversion in _AS_TEXT
    ):
        return part.value.id
    return ""
