"""The arguments of the command `prefectx`."""

from __future__ import annotations

import argparse
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from prefectx._settings.project import own_root

if TYPE_CHECKING:
    from argparse import Namespace

COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "status": ("status", "status", "count the targets of each task, by the reason if stale"),
    "ls": ("status", "ls", "list targets"),
    "show": ("show", "show", "show a target: its data, its record, its inputs and its users"),
    "sample": ("show", "sample", "show some targets of a task, picked at random"),
    "diff": ("differences", "diff", "show the differences between two targets"),
    "why": ("show", "why", "explain why targets are stale"),
    "plan": ("planning", "plan", "show what a run of a flow would do; run nothing"),
    "run": ("running", "run", "run a flow"),
    "check": ("running", "check", "check whether the modes agree on a flow"),
    "freeze": ("freezing", "freeze", "write a test package from the smallest calls of a flow"),
    "replay": ("freezing", "replay", "compare the calls of a flow with those in a file"),
    "rm": ("removal", "rm", "remove targets, so that the next run recomputes them"),
    "accept": ("accepting", "accept", "mark existing targets as current"),
    "debug": ("debug", "debug", "run one recorded call again, in this process"),
    "doctor": ("doctor", "doctor", "check for possible problems, with advice"),
    "completion": ("completion", "completion", "print the shell's completion of this command"),
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    whole = argparse.ArgumentParser(
        prog="prefectx",
        description="See the outputs of tasks, know why they are stale, and rerun just those.",
        epilog="exit codes: 0 fresh, 1 stale or missing, 2 failed or wrong use",
    )
    root = own_root()
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, function, text) in COMMANDS.items():
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(command=_command(module, function), own_root=root)
        _add_arguments(one, name, root)
    return whole


def options_of(name: str) -> list[str]:
    """Return the options of a command, such as `--json`."""
    one = argparse.ArgumentParser()
    _add_arguments(one, name, "")
    return sorted(set(re.findall("--[a-z-]+", one.format_usage())))


def _add_arguments(one: argparse.ArgumentParser, name: str, root: str) -> None:
    one.add_argument("--root", default=root, help="the folder of the targets")
    one.add_argument("--json", action="store_true", help="print JSON, for programs")
    _ARGUMENTS.get(name, _nothing)(one)


def _command(module: str, function: str) -> Any:
    def command(options: Namespace) -> int:
        # Only the command's own module is imported, for a quick start.
        return int(getattr(import_module(f"prefectx.cli.{module}"), function)(options))

    return command


def _nothing(_: argparse.ArgumentParser) -> None:
    pass


def _status(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help="a flow, as module:flow, whose tasks are counted; a task, a target, or a pattern",
    )


def _selection(one: argparse.ArgumentParser) -> None:
    one.add_argument("pattern", nargs="*", help="a target, a pattern of targets, or a task")
    one.add_argument("--where", action="append", default=[], metavar="NAME=PATTERN")
    one.add_argument("--stale", action="store_true", help="only stale targets")
    one.add_argument("--failed", action="store_true", help="only failed calls")
    one.add_argument("--orphans", action="store_true", help="only targets without a task")


def _ls(one: argparse.ArgumentParser) -> None:
    _selection(one)
    one.add_argument("--sort", choices=["target", "size", "time", "made"], default="target")
    one.add_argument("-n", dest="most", type=int, default=50, help="the number of lines (50)")


def _show(one: argparse.ArgumentParser) -> None:
    one.add_argument("target")


def _sample(one: argparse.ArgumentParser) -> None:
    one.add_argument("task")
    one.add_argument("-n", dest="number", type=int, default=5, help="the number of targets (5)")
    one.add_argument("--seed", type=int, default=0, help="another seed picks other targets")


def _diff(one: argparse.ArgumentParser) -> None:
    one.add_argument("one")
    one.add_argument("other")


def _why(one: argparse.ArgumentParser) -> None:
    one.add_argument("what", help="a target or a task")


def _flow(one: argparse.ArgumentParser) -> None:
    one.add_argument("flow", help="module:flow or file.py:flow")
    one.add_argument("-p", dest="parameter", action="append", default=[], metavar="KEY=VALUE")


def _plan(one: argparse.ArgumentParser) -> None:
    _flow(one)
    one.add_argument("-n", dest="most", type=int, default=20, help="the number of calls (20)")


def _run(one: argparse.ArgumentParser) -> None:
    _flow(one)
    one.add_argument("--mode", help="the mode; by default cache, unless PREFECTX is set")
    one.add_argument("--refresh", action="append", metavar="TASK", help="recompute its targets")
    one.add_argument(
        "--keep-going",
        action="store_true",
        help="after a call has failed, go on with all that does not need its output",
    )
    one.add_argument("--pdb", action="store_true", help="open a debugger at an exception")


def _check(one: argparse.ArgumentParser) -> None:
    _flow(one)
    one.add_argument("--mode", help="the modes, separated by commas (function,cache)")


def _freeze(one: argparse.ArgumentParser) -> None:
    _flow(one)
    one.add_argument("--into", default="frozen", help="the folder to write (frozen)")
    one.add_argument("--per-task", type=int, default=1, help="the number of calls of each task (1)")
    one.add_argument("--update", action="store_true", help="replace a folder of frozen calls")


def _replay(one: argparse.ArgumentParser) -> None:
    _flow(one)
    one.add_argument("--file", default="calls.jsonl", help="the file with the calls (calls.jsonl)")
    one.add_argument("--update", action="store_true", help="write the file")


def _rm(one: argparse.ArgumentParser) -> None:
    _selection(one)
    one.add_argument("--downstream", action="store_true", help="also targets made from them")
    one.add_argument("--dry-run", action="store_true", help="only print the targets")
    one.add_argument("--yes", action="store_true", help="do not ask")


def _accept(one: argparse.ArgumentParser) -> None:
    one.add_argument("pattern", nargs="+", help="a target, a pattern of targets, or a task")
    one.add_argument("--reason", required=True, help="the reason, which their records will have")


def _debug(one: argparse.ArgumentParser) -> None:
    one.add_argument("target")
    one.add_argument("--pdb", action="store_true", help="open a debugger at an exception")
    one.add_argument("--shell", action="store_true", help="open a shell with args, kwargs, result")


def _completion(one: argparse.ArgumentParser) -> None:
    one.add_argument("shell", choices=["bash", "zsh", "fish"])


_ARGUMENTS: Final = {
    "status": _status,
    "ls": _ls,
    "show": _show,
    "sample": _sample,
    "diff": _diff,
    "why": _why,
    "plan": _plan,
    "run": _run,
    "check": _check,
    "freeze": _freeze,
    "replay": _replay,
    "rm": _rm,
    "accept": _accept,
    "debug": _debug,
    "completion": _completion,
}
