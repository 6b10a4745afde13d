"""The arguments of the command `prefectx`."""

from __future__ import annotations

import argparse
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from prefectx.cli.output import say

if TYPE_CHECKING:
    from argparse import Namespace

_COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "status": ("status", "status", "what there is of each task; a column a reason"),
    "ls": ("status", "ls", "targets, those that are asked for"),
    "show": ("show", "show", "one target: its data, its record, from what, used by what"),
    "sample": ("show", "sample", "some targets of a task, picked at random"),
    "diff": ("show", "diff", "where two targets differ"),
    "why": ("show", "why", "in words why targets are stale"),
    "plan": ("planning", "plan", "what a run of a flow would do; runs nothing"),
    "run": ("running", "run", "run a flow"),
    "check": ("running", "check", "do the modes agree on a flow?"),
    "rm": ("removal", "rm", "remove targets, so that the next run makes them anew"),
    "accept": ("removal", "accept", "mark targets that are there as current"),
    "debug": ("debug", "debug", "one recorded call again, in this process"),
    "doctor": ("doctor", "doctor", "what may go wrong here, and the cure"),
    "completion": ("parser", "completion", "what makes the shell complete this command"),
}


def parser() -> argparse.ArgumentParser:
    """Return what reads the command's arguments."""
    whole = argparse.ArgumentParser(
        prog="prefectx",
        description="See what tasks have made, know why, and rerun just that.",
        epilog="exit codes: 0 fresh, 1 stale or missing, 2 failed or wrong use",
    )
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, function, text) in _COMMANDS.items():
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--root", default=_root(), help="the folder of the targets")
        one.add_argument("--json", action="store_true", help="for programs")
        one.set_defaults(command=_command(module, function))
        _ADDED.get(name, _nothing)(one)
    return whole


def _command(module: str, function: str) -> Any:
    def command(options: Namespace) -> int:
        # Only what this command needs is imported: the first line is there at once.
        return int(getattr(import_module(f"prefectx.cli.{module}"), function)(options))

    return command


def _root() -> str:
    from prefectx._settings.project import root_for

    return root_for(os.getcwd())


def _nothing(_: argparse.ArgumentParser) -> None:
    pass


def _status(one: argparse.ArgumentParser) -> None:
    one.add_argument("flow", nargs="?", help="module:flow, to import its tasks as it does")


def _selection(one: argparse.ArgumentParser) -> None:
    one.add_argument("pattern", nargs="*", help="a target, a pattern of targets, or a task")
    one.add_argument("--where", action="append", default=[], metavar="NAME=PATTERN")
    one.add_argument("--stale", action="store_true", help="only those that are stale")
    one.add_argument("--failed", action="store_true", help="only those that failed")
    one.add_argument("--orphans", action="store_true", help="only those whose task is gone")


def _ls(one: argparse.ArgumentParser) -> None:
    _selection(one)
    one.add_argument("--sort", choices=["target", "size", "time", "made"], default="target")
    one.add_argument("-n", dest="most", type=int, default=50, help="how many lines (50)")


def _show(one: argparse.ArgumentParser) -> None:
    one.add_argument("target")


def _sample(one: argparse.ArgumentParser) -> None:
    one.add_argument("task")
    one.add_argument("-n", dest="number", type=int, default=5, help="how many (5)")
    one.add_argument("--seed", type=int, default=0, help="for others than the last time")


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
    one.add_argument("-n", dest="most", type=int, default=20, help="how many calls (20)")


def _run(one: argparse.ArgumentParser) -> None:
    _flow(one)
    one.add_argument("--mode", help="by default cache, unless PREFECTX is set")
    one.add_argument("--refresh", action="append", metavar="TASK", help="make its targets anew")
    one.add_argument("--pdb", action="store_true", help="open a debugger where it fails")


def _check(one: argparse.ArgumentParser) -> None:
    _flow(one)
    one.add_argument("--mode", help="modes with commas between them (function,cache)")


def _rm(one: argparse.ArgumentParser) -> None:
    _selection(one)
    one.add_argument("--downstream", action="store_true", help="and what was made from them")
    one.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    one.add_argument("--yes", action="store_true", help="do not ask")


def _accept(one: argparse.ArgumentParser) -> None:
    one.add_argument("pattern", nargs="+", help="a target, a pattern of targets, or a task")
    one.add_argument("--reason", required=True, help="why they are current: kept in their records")


def _debug(one: argparse.ArgumentParser) -> None:
    one.add_argument("target")
    one.add_argument("--pdb", action="store_true", help="open a debugger where it fails")
    one.add_argument("--shell", action="store_true", help="open a shell with args, kwargs, result")


def _completion(one: argparse.ArgumentParser) -> None:
    one.add_argument("shell", choices=["bash", "zsh", "fish"])


_ADDED: Final = {
    "status": _status,
    "ls": _ls,
    "show": _show,
    "sample": _sample,
    "diff": _diff,
    "why": _why,
    "plan": _plan,
    "run": _run,
    "check": _check,
    "rm": _rm,
    "accept": _accept,
    "debug": _debug,
    "completion": _completion,
}


def completion(options: Namespace) -> int:
    """Print what makes a shell complete commands, options and targets."""
    names = " ".join(_COMMANDS)
    if options.shell == "fish":
        say(f"complete -c prefectx -n __fish_use_subcommand -a '{names}'")
        say("complete -c prefectx -n 'not __fish_use_subcommand' -F")
        return 0
    if options.shell == "zsh":
        say("autoload -U +X bashcompinit && bashcompinit")
    say(_BASH.format(names=names).strip())
    return 0


# Targets are files below the current folder, so files are completed.
_BASH: Final = """
_prefectx() {{
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{names}" -- "${{COMP_WORDS[1]}}"))
    else
        COMPREPLY=($(compgen -f -- "${{COMP_WORDS[COMP_CWORD]}}"))
    fi
}}
complete -o filenames -F _prefectx prefectx
"""
