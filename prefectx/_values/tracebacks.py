"""Tracebacks that show the user's frames, without those of prefectx and Prefect."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Final

from prefectx._settings.environment import Variable

TRACEBACKS: Final = Variable("PREFECTX_TRACEBACKS")
"""`full` keeps all frames."""

_HIDDEN: Final = frozenset({"prefectx", "pytest_prefectx", "prefect"})


class _OwnFramesHidden:
    # Python adds a frame to a traceback before `__exit__` is called, and not again afterwards, so
    # the frame with the `with` statement is hidden too.
    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            hide_own_frames(error)


own_frames_hidden: Final = _OwnFramesHidden()
"""A context manager for what users call: exceptions leave it with the user's frames only."""


def hide_own_frames(error: BaseException) -> None:
    """Leave only the user's frames in the tracebacks of an exception and of those behind it."""
    if TRACEBACKS.get() == "full":
        return
    seen: set[int] = set()
    ahead: list[BaseException | None] = [error]
    while ahead:
        one = ahead.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        _hide(one)
        ahead += [one.__cause__, one.__context__]


def _hide(error: BaseException) -> None:
    frames: list[TracebackType] = []
    traceback, is_ours = error.__traceback__, False
    while traceback is not None:
        if _is_user_code(traceback):
            frames.append(traceback)
        else:
            is_ours = True
        traceback = traceback.tb_next
    if not is_ours:
        return
    kept: TracebackType | None = None
    for frame in reversed(frames):
        kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    error.__traceback__ = kept


def _is_user_code(traceback: TracebackType) -> bool:
    # A template, which is the user's code too, is in no module.
    module: str = traceback.tb_frame.f_globals.get("__name__") or ""
    if module.partition(".")[0] in _HIDDEN:
        return False
    # The standard library's frames come from Prefect's use of threads and event loops.
    return not traceback.tb_frame.f_code.co_filename.startswith(_LIBRARY)


_LIBRARY: Final = tuple(
    os.path.join(os.path.dirname(os.__file__), name)
    for name in ("asyncio", "concurrent", "contextlib.py", "threading.py")
)
