"""The error for a child process that ended without an outcome."""

from __future__ import annotations

import signal
from typing import Final

from prefectx._logs.durations import format_duration
from prefectx._logs.process_memory import format_memory
from prefectx.errors import IsolatedRunDied

_ADVICE: Final = {
    "SIGKILL": (
        "The system does so when memory runs out: run fewer tasks at once, or give this one less"
        " data or a larger machine."
    ),
    "SIGSEGV": (
        "That is a segmentation fault in compiled code: check the packages that the function"
        " uses. Python's traceback, if there is one, is noted below."
    ),
}
_BY_SIGNAL: Final = "Find out who sent the signal, or which compiled code aborted."
_BY_EXIT: Final = "The function, or a package, called os._exit: it must return or raise instead."


def exit_error(
    task_name: str, target: str | None, code: int, seconds: float, memory: int | None
) -> IsolatedRunDied:
    """Return the error for a child that ended without an outcome.

    Args:
        task_name: The name of the task.
        target: The target of the call.
        code: The exit code; negative for the signal that ended the child.
        seconds: The child's lifetime.
        memory: The last known size of its memory in bytes, or None.
    """
    which = f"task {task_name!r}" + (f", target {target!r}" if target else "")
    name = _signal_name(-code) if code < 0 else None
    how = f"exited with code {code}" if name is None else f"was killed by {name}"
    size = "" if memory is None else f", when it last used {format_memory(memory)} of memory"
    advice = _BY_EXIT if name is None else _ADVICE.get(name, _BY_SIGNAL)
    msg = (
        f"{which}: its child process (isolate=True) {how} after {format_duration(seconds)}{size}."
        f" {advice} Nothing was stored."
    )
    return IsolatedRunDied(msg)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
