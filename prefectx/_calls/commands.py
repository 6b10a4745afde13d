"""Commands that a person can copy: about one target, and for another run of the same flow."""

from __future__ import annotations

import ast
import inspect
import json
import os
import sys
from inspect import Parameter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._naming.options import own_arguments
from prefectx._settings.project import folder_of, own_root, root_for
from prefectx._values.item import settle
from prefectx._words import command
from prefectx.stores import Filestore, journal
from prefectx.stores import record as records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prefectx._calls.report import Report
    from prefectx._naming.decorated import AnyTask
    from prefectx._values.item import Item

_LONGEST: Final = 500


def command_about(verb: str, item: Item[Any], *options: str) -> str | None:
    """Return a command about a target; None if the command finds no targets in its store.

    Args:
        verb: The command, such as `debug`.
        item: The target.
        *options: The command's options.
    """
    root = item.store.journal_root()
    return None if root is None else command(verb, item.target, *options, root=_unless_own(root))


def command_about_all(item: Item[Any]) -> str | None:
    """Return the command that shows all targets in an item's store; None if it finds none."""
    root = item.store.journal_root()
    return None if root is None else command("status", root=_unless_own(root))


def command_about_failed(item: Item[Any]) -> str | None:
    """Return the command that lists all failed calls in an item's store; None if it finds none."""
    root = item.store.journal_root()
    return None if root is None else command("ls", "--failed", root=_unless_own(root))


class FailureCommands(NamedTuple):
    """The target of a call that failed, and the commands that debug it and list it with others."""

    target: str | None = None
    debug: str | None = None
    listing: str | None = None


def commands_for_failure(
    task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> FailureCommands:
    """Return the commands about a call that has failed in another process.

    Args:
        task: The task.
        args: Its positional arguments; the calls of futures among them have ended.
        kwargs: Its keyword arguments.
    """
    try:
        item = task.naming.item(settle(args), settle(own_arguments(kwargs)))
    except Exception:  # noqa: BLE001 - as an input has failed: the call has left no record
        item = None
    if item is None:
        return FailureCommands()
    debug = command_about("debug", item, "--pdb")
    return FailureCommands(item.target, debug, command_about_failed(item))


def _unless_own(root: str) -> str | None:
    is_own = os.path.realpath(root) == os.path.realpath(own_root())
    return None if is_own else root


def record_run(
    report: Report, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    """Note in the journal which flow has run, with which parameters, so that it can be run again.

    A run that has stored nothing is not noted, nor one that the command line cannot repeat.
    """
    if not any(line.folder is not None for line in report.tasks):
        return
    root = Filestore(root_for(folder_of(function))).journal_root()
    name = function.__qualname__
    module = sys.modules.get(function.__module__)
    found = getattr(module, name, None)
    if root is None or getattr(found, "function", None) is not function:
        return
    try:
        bound = inspect.signature(function).bind(*args, **own_arguments(kwargs))
    except TypeError:
        # The call has raised this.
        return
    given = bound.arguments
    kinds = {bound.signature.parameters[key].kind for key in given}
    if not kinds <= {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}:
        return
    parameters = {key: _literal(value) for key, value in given.items()}
    if None in parameters.values():
        return
    line = {
        "flow": f"{function.__module__}:{name}",
        "file": getattr(module, "__file__", None),
        "parameters": [f"{key}={text}" for key, text in parameters.items()],
        "tasks": [name for name, _ in report.lines()],
        "made": records.now(),
    }
    if os.path.isdir(os.path.join(root, journal.FOLDER)):
        journal.append(root, json.dumps(line))


def _literal(value: Any) -> str | None:
    """Return the text from which the command line reads this value; None if there is none."""
    try:
        if sys.getsizeof(value) > _LONGEST:
            return None
        text = repr(value)
        same = ast.literal_eval(text)
    except Exception:  # noqa: BLE001 - repr runs code of the value's class
        return None
    return text if type(same) is type(value) and len(text) <= _LONGEST else None
