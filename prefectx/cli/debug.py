"""`prefectx debug`: runs one recorded call again, in this process."""

from __future__ import annotations

import asyncio
import inspect
import sys
import traceback
from typing import TYPE_CHECKING, Any

from prefectx._calls.recorded_arguments import NotRecorded, restore, text_of
from prefectx._calls.task_report import in_one_line
from prefectx._settings.mode import use_mode
from prefectx._values.item import load_items
from prefectx._values.tracebacks import hide_own_frames
from prefectx.cli.catalogue import Catalogue
from prefectx.cli.finding import TaskFinder
from prefectx.cli.misuse import Misuse
from prefectx.cli.output import command_for, say, say_json, say_next
from prefectx.cli.selection import find_entry
from prefectx.cli.show import format_value

if TYPE_CHECKING:
    from argparse import Namespace

    from prefectx._api.task import Task


def debug(options: Namespace) -> int:
    """Run the function of a recorded call here, whether it failed or not; store nothing."""
    catalogue, tasks = Catalogue(options.root), TaskFinder()
    entry = find_entry(catalogue, options.target)
    known = catalogue.details(entry)
    task = tasks.task_of(entry, catalogue)
    if task is None:
        why = tasks.why.get(entry.task, "it has no record of the task that made it")
        msg = f"{entry.target} cannot be debugged: {why}"
        raise Misuse(msg)
    if known.get("args") is None:
        msg = f"the arguments of {entry.target} are not recorded. Run its flow with --pdb instead."
        raise Misuse(msg)
    try:
        arguments = restore(known["args"], is_trusted=catalogue.is_trusted(entry))
    except NotRecorded as error:
        msg = f"{entry.target} cannot be debugged: {error}. Run its flow with --pdb instead."
        raise Misuse(msg) from error
    inside = ", ".join(f"{name}={text_of(value)}" for name, value in known["args"].items())
    call = f"{entry.task}({inside})"
    if not options.json:
        say(call)
    return _run(task, call, arguments, options)


def _run(task: Task[..., Any], call: str, arguments: dict[str, Any], options: Namespace) -> int:
    args, kwargs = task.naming.unbound(load_items(arguments))
    try:
        # Tasks that the function calls run as functions too.
        with use_mode("function"):
            result = task.fn(*args, **kwargs)
            if inspect.iscoroutine(result):
                result = asyncio.run(result)
    except Exception as error:  # noqa: BLE001 - any error is to be debugged
        hide_own_frames(error)
        traceback.print_exception(error)
        if options.pdb:
            import pdb  # noqa: T100 - for the option --pdb

            pdb.post_mortem(error.__traceback__)
        elif options.shell:
            _shell(args, kwargs, None)
        elif options.json:
            say_json({"call": call, "error": in_one_line(error)})
        else:
            say_next(command_for(options, "debug", options.target, "--pdb"))
        return 2
    if options.pdb or options.shell:
        _shell(args, kwargs, result)
    elif options.json:
        say_json({"call": call, "result": format_value(result)})
    else:
        say(format_value(result))
        say_next(command_for(options, "show", options.target))
    return 0


def _shell(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    names = {"args": args, "kwargs": kwargs, "result": result}
    banner = "The names args, kwargs and result are those of the call."
    try:
        from IPython import embed  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError:
        import code

        code.interact(banner, local=names, exitmsg="")
        return
    sys.stdout.flush()
    embed(user_ns=names, header=banner)  # type: ignore[no-untyped-call,unused-ignore]
