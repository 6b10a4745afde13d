"""`prefectx completion`: what makes a shell complete commands, their options, and targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefectx.cli.output import say
from prefectx.cli.parser import COMMANDS, options_of

if TYPE_CHECKING:
    from argparse import Namespace


def completion(options: Namespace) -> int:
    """Print a script with which a shell completes commands, their options, and targets."""
    names = " ".join(COMMANDS)
    if options.shell == "fish":
        say(f"complete -c prefectx -n __fish_use_subcommand -f -a '{names}'")
        say("complete -c prefectx -n 'not __fish_use_subcommand' -F")
        for name in COMMANDS:
            for option in options_of(name):
                seen = f"'__fish_seen_subcommand_from {name}'"
                say(f"complete -c prefectx -n {seen} -l {option.removeprefix('--')}")
        return 0
    if options.shell == "zsh":
        say("autoload -U +X bashcompinit && bashcompinit")
    cases = [f"        {name}) options='{' '.join(options_of(name))}';;" for name in COMMANDS]
    say(_BASH.format(names=names, cases="\n".join(cases)).strip())
    return 0


# Targets are files below the current folder, so files are completed.
_BASH: Final = """
_prefectx() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" options=
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{names}" -- "$word"))
    elif [[ "$word" == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -o filenames -F _prefectx prefectx
"""
