"""The error of a child that ended without an answer."""

from __future__ import annotations

import signal
from typing import Final

from prefectx._logs.durations import told_duration
from prefectx._logs.process_memory import told_memory
from prefectx.errors import IsolatedRunDied

_ADVICE: Final = {
    "SIGKILL": (
        "That is what the system does when memory runs out: let fewer tasks run at once, or give"
        " this one less data or a larger machine."
    ),
    "SIGSEGV": (
        "That is a segmentation fault in compiled code: look at the packages that the function"
        " uses; where it was is noted below, as far as Python knows."
    ),
}
_BY_SIGNAL: Final = "Look for who sent that signal, or for compiled code that aborted."
_BY_EXIT: Final = "Something called os._exit, or a package did: let the function return or raise."


def death(
    task_name: str, target: str | None, code: int, seconds: float, memory: int | None
) -> IsolatedRunDied:
    """Return the error that says how a child ended.

    Args:
        task_name: The task that it ran.
        target: The target that it would have filled.
        code: Its exit code; negative for the signal that ended it.
        seconds: How long it lived.
        memory: How many bytes it had in use when last looked at, if that was seen.
    """
    which = f"task {task_name!r}" + (f", target {target!r}" if target else "")
    name = _signal_name(-code) if code < 0 else None
    how = f"exited with code {code}" if name is None else f"was killed by {name}"
    size = "" if memory is None else f", with {told_memory(memory)} in use when last looked at"
    advice = _BY_EXIT if name is None else _ADVICE.get(name, _BY_SIGNAL)
    msg = (
        f"{which}: the process that isolate=True gave it {how} after {told_duration(seconds)}"
        f"{size}. {advice} Nothing was kept."
    )
    return IsolatedRunDied(msg)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
