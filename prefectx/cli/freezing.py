"""`prefectx freeze` and `prefectx replay`: tests from real runs of a flow."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from prefectx._words import counted
from prefectx.cli.finding import flow_at, use_root
from prefectx.cli.misuse import Misuse
from prefectx.cli.output import again, say, say_json, say_next
from prefectx.cli.running import parameters
from prefectx.errors import PrefectxError

if TYPE_CHECKING:
    from argparse import Namespace


def freeze(options: Namespace) -> int:
    """Write a test package from the smallest calls of a flow."""
    from pytest_prefectx.replay import freeze as freeze_calls

    flow, kwargs = flow_at(options.flow), parameters(options.parameter)
    folder = Path(options.into).absolute()
    use_root(options)
    try:
        calls = freeze_calls(flow, kwargs, folder, per_task=options.per_task, update=options.update)
    except (FileExistsError, PrefectxError) as error:
        raise Misuse(str(error)) from error
    if options.json:
        say_json([{"task": call.task, "name": str(call)} for call in calls])
        return 0
    for call in calls:
        say(f"  {call}  ({call.task})")
    say(f"{len(calls):,} {'call' if len(calls) == 1 else 'calls'} in {options.into}/")
    say_next(shlex.join(["pytest", options.into]))
    return 0


def replay(options: Namespace) -> int:
    """Compare the calls that a flow makes with those in a file; run no task."""
    from pytest_prefectx.replay import CallsDiffer, History

    flow, kwargs = flow_at(options.flow), parameters(options.parameter)
    file = Path(options.file).absolute()
    use_root(options)
    try:
        now = History.of(flow, **kwargs)
    except PrefectxError as error:
        raise Misuse(str(error)) from error
    if options.update:
        now.write(file)
    elif not file.exists():
        msg = f"there is no file {options.file!r} to compare with. Write it with --update."
        raise Misuse(msg)
    difference = None
    try:
        History.read(file).check(now)
    except CallsDiffer as error:
        difference = str(error)
    if options.json:
        say_json({"calls": len(now), "difference": difference})
    elif difference is None:
        say(f"{counted(len(now), 'call')}, the same as in {options.file}")
    else:
        say(difference)
        say("If that is intended:")
        say_next(again(options, "--update"))
    return 0 if difference is None else 1
