"""Tracebacks that show the user's frames, without those of prefectx and Prefect."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Final

from prefectx._settings.environment import Variable

TRACEBACKS: Final = Variable("PREFECTX_TRACEBACKS")
"""`full` keeps all frames."""

_HIDDEN: Final = frozenset({"prefectx", "prefect"})


def hide_own_frames(error: BaseException) -> None:
    """Leave only the user's frames in an exception's traceback, if there are any."""
    if TRACEBACKS.get() == "full":
        return
    frames: list[TracebackType] = []
    traceback = error.__traceback__
    while traceback is not None:
        if _is_user_code(traceback):
            frames.append(traceback)
        traceback = traceback.tb_next
    if not frames:
        return
    kept: TracebackType | None = None
    for frame in reversed(frames):
        kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    error.__traceback__ = kept


def _is_user_code(traceback: TracebackType) -> bool:
    # Code that is compiled with a task's signature is in no module.
    module: str = traceback.tb_frame.f_globals.get("__name__") or "prefectx"
    if module.partition(".")[0] in _HIDDEN:
        return False
    # The standard library's frames come from Prefect's use of threads and event loops.
    return not traceback.tb_frame.f_code.co_filename.startswith(_LIBRARY)


_LIBRARY: Final = tuple(
    os.path.join(os.path.dirname(os.__file__), name)
    for name in ("asyncio", "concurrent", "contextlib.py", "threading.py")
)
