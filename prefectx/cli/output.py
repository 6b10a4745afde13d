"""The command's output: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from prefectx._words import command

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence


def say(text: str = "") -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")


def say_json(value: Any) -> None:
    """Print a value as JSON."""
    say(json.dumps(value, indent=2, default=str))


def say_next(*commands: str) -> None:
    """Print the commands that could come next."""
    say()
    for one in commands:
        say(f"next: {one}")


def command_for(options: Namespace, verb: str, *words: str) -> str:
    """Return a command as a person types it, for the same targets as this one."""
    is_own = options.root == options.own_root
    return command(verb, *words, root=None if is_own else options.root)


def again(options: Namespace, *words: str) -> str:
    """Return this same command with more options; the last one of a kind counts."""
    import shlex

    return shlex.join(["prefectx", *options.typed, *words])


def without(options: Namespace, option: str) -> str:
    """Return this same command without an option."""
    import shlex

    # An option may be shortened: --dry.
    left = [word for word in options.typed if word[:2] != "--" or not option.startswith(word)]
    return shlex.join(["prefectx", *left])


def say_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with numbers aligned to the right, and texts to the left."""
    if sys.stdout.isatty() and _say_with_rich(titles, rows):
        return
    columns = list(zip(titles, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    are_numbers = [_is_numeric(column[1:]) for column in columns]
    for row in [titles, *rows]:
        cells = [
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, are_numbers, strict=True)
        ]
        say("  ".join(cells).rstrip())


def _say_with_rich(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    try:
        from rich.console import Console
        from rich.table import Table
    except ModuleNotFoundError:
        return False
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, title in enumerate(titles):
        is_number = _is_numeric([row[number] for row in rows])
        table.add_column(title, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(markup=False).print(table)
    return True


def _is_numeric(cells: Sequence[str]) -> bool:
    return all(not cell or cell[0].isdigit() for cell in cells) and any(cells)
