"""The child's side: a new Python process that runs one job and sends its outcome."""

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

from prefectx._isolation.exceptions import PortableException
from prefectx._isolation.output import OutputSender
from prefectx._isolation.pickling import pickle_value
from prefectx._isolation.protocol import ErrorMessage, Outcome, ResultMessage
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from types import FrameType, TracebackType

    from prefectx._isolation.job import Order

_SET_PDEATHSIG: Final = 1


class Terminated(BaseException):
    """The parent has terminated this process."""


def main(connection: Connection[Any, Any], faults: int, parent: int) -> None:
    """Run the parent's job.

    Args:
        connection: The connection to it.
        faults: A file for Python's traceback at a segmentation fault.
        parent: The parent's process id.
    """
    for fd in (connection.fileno(), faults):
        os.set_inheritable(fd, False)  # noqa: FBT003 - it is positional-only
    _die_with(parent)
    faulthandler.enable(file=faults)
    signal.signal(signal.SIGTERM, _end)
    # Ctrl-C reaches all processes of a terminal; the parent decides what to do.
    signal.signal(signal.SIGINT, _ignore_signal)
    output = OutputSender(connection)
    output.take_prints()
    order = connection.recv_bytes()
    if sys.platform != "linux":
        Thread(target=_die_with_connection, args=(connection,), daemon=True).start()
    outcome = _outcome(order, output)
    output.finish()
    output.send(outcome)


def _outcome(order: bytes, output: OutputSender) -> Outcome:
    try:
        return _run_job(pickle.loads(order), output)
    except Terminated:
        sys.exit(128 + signal.SIGTERM)
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        return _error_message(error)


def _run_job(order: Order, output: OutputSender) -> ResultMessage:
    job = order.job

    def take_logs() -> None:
        output.take_logs(order.levels)

    with job.parent_context(take_logs):
        take_logs()
        return ResultMessage(pickle_value(job.run(), f"the result of the task {job.task_name!r}"))


def _error_message(error: BaseException) -> ErrorMessage:
    own = _user_traceback(error.__traceback__)
    told = "".join(traceback.format_exception(type(error), error, own))
    try:
        content = pickle_value(
            PortableException(error), f"the exception {type(error).__qualname__}"
        )
        pickle.loads(content)
    except Exception as why:  # noqa: BLE001 - another exception is sent in its place
        msg = f"the task raised {error!r}, which cannot be sent between processes: {why}"
        content = pickle.dumps(UnsupportedValue(msg))
    return ErrorMessage(content, told)


def _user_traceback(where: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback outside this package; all of it if there is none."""
    own = where
    while own is not None and own.tb_frame.f_globals.get("__name__", "").startswith("prefectx."):
        own = own.tb_next
    return own or where


def _die_with(parent: int) -> None:
    """Let this process end when its parent does, even if that is killed."""
    if sys.platform == "linux":
        # The kernel does it even if the function does not release the GIL.
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _die_with_connection(connection: Connection[Any, Any]) -> None:
    """End this process when the connection is closed, on systems without prctl."""
    connection.poll(None)
    os._exit(1)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _ignore_signal(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing. With SIG_IGN, processes that the function starts would ignore it too."""
