"""The child's side: a fresh Python that does one job and tells its parent how it ended."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import pickle
import signal
import sys
import traceback
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, NoReturn

from prefectx._isolation.exceptions import Portable
from prefectx._isolation.output import Voice
from prefectx._isolation.pickling import pickled
from prefectx._isolation.protocol import Outcome, Raised, Returned
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from types import FrameType, TracebackType

    from prefectx._isolation.job import Order

_SET_PDEATHSIG: Final = 1


class Ended(BaseException):
    """The parent has told this process to end."""


def main(talk: Connection[Any, Any], faults: int, parent: int) -> None:
    """Do what the parent orders.

    Args:
        talk: The connection to it.
        faults: A file for Python's last words at a segmentation fault.
        parent: The parent's process id.
    """
    for fd in (talk.fileno(), faults):
        os.set_inheritable(fd, False)  # noqa: FBT003 - it takes no names
    _die_with(parent)
    faulthandler.enable(file=faults)
    signal.signal(signal.SIGTERM, _end)
    # Ctrl-C reaches all processes of a terminal; here the parent decides.
    signal.signal(signal.SIGINT, _leave_it_to_the_parent)
    voice = Voice(talk)
    voice.take_prints()
    order = talk.recv_bytes()
    if sys.platform != "linux":
        Thread(target=_die_at_the_end_of, args=(talk,), daemon=True).start()
    outcome = _outcome(order, voice)
    voice.finish()
    voice.send(outcome)


def _outcome(order: bytes, voice: Voice) -> Outcome:
    try:
        return _returned(pickle.loads(order), voice)
    except Ended:
        sys.exit(128 + signal.SIGTERM)
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        return _raised(error)


def _returned(order: Order, voice: Voice) -> Returned:
    job = order.job

    def take_logs() -> None:
        voice.take_logs(order.levels)

    with job.surroundings(take_logs):
        take_logs()
        return Returned(pickled(job.run(), f"what the task {job.task_name!r} returned"))


def _raised(error: BaseException) -> Raised:
    own = _in_the_function(error.__traceback__)
    told = "".join(traceback.format_exception(type(error), error, own))
    try:
        content = pickled(Portable(error), f"the exception {type(error).__qualname__}")
        pickle.loads(content)
    except Exception as why:  # noqa: BLE001 - this one can be sent
        msg = f"the task raised {error!r}, which cannot be sent between processes: {why}"
        content = pickle.dumps(UnsupportedValue(msg))
    return Raised(content, told)


def _in_the_function(where: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that is not of this package, or all if there is none."""
    own = where
    while own is not None and own.tb_frame.f_globals.get("__name__", "").startswith("prefectx."):
        own = own.tb_next
    return own or where


def _die_with(parent: int) -> None:
    """Let this process end when its parent does, however that ends."""
    if sys.platform == "linux":
        # The kernel does it even while the function lets no other thread run.
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _die_at_the_end_of(talk: Connection[Any, Any]) -> None:
    """Do the same where the kernel does not: after the order, nothing but its end can come."""
    talk.poll(None)
    os._exit(1)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Ended


def _leave_it_to_the_parent(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: a handler, for what is ignored would be ignored by what the function starts."""
