"""The child's side: a fresh Python that does one work and tells its parent how it ended."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import pickle
import signal
import sys
import traceback
from contextlib import nullcontext
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from prefectx._isolation.exceptions import Portable
from prefectx._isolation.output import Voice
from prefectx._isolation.pickling import let_main_be_that_of, pickled
from prefectx._isolation.protocol import Outcome, Raised, Returned
from prefectx._runners import use_runner
from prefectx._runners.prefect.child_context import JoiningRunner
from prefectx._settings.context import replaced_context
from prefectx._settings.mode import use_mode
from prefectx.errors import UnsupportedValue

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from multiprocessing.connection import Connection
    from types import FrameType, TracebackType

    from prefectx._isolation.parent import Order
    from prefectx._runners.base import Runner

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
    work = order.work
    let_main_be_that_of(work.task)
    with use_mode(order.mode), replaced_context(order.names), _part_of_the_run(order, voice):
        voice.take_logs(order.levels)
        return Returned(pickled(work.do(), f"what the task {work.task.name!r} returned"))


def _part_of_the_run(order: Order, voice: Voice) -> AbstractContextManager[None]:
    if order.run is None:
        return nullcontext()
    runner = JoiningRunner(
        order.mode,
        order.run,
        order.work.task.naming.bind(*order.work.args, **order.work.kwargs),
        # Prefect sets up its own logs.
        lambda: voice.take_logs(order.levels),
    )
    if "prefect" in sys.modules:
        # The function's module has imported it, and may use it without our knowing.
        runner.join()
    return use_runner(cast("Runner", runner))


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
