"""`once=True`: one process makes a target while the others wait for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar, copy_context
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from prefectx.errors import TargetCollision
from prefectx.stores.locks.waiting import waiting_until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from contextlib import AbstractContextManager

    from prefectx._values.item import Item

_held: Final[ContextVar[frozenset[str]]] = ContextVar("prefectx_held", default=frozenset())


@contextmanager
def lock_target(item: Item[Any]) -> Generator[None]:
    """Lock an item's target among all processes that share its store; wait for the lock.

    Raises:
        TargetCollision: This call, or one that it is part of, holds the lock already.
        UnsupportedValue: The store has no locks.
    """
    _check_reentrance(item)
    with item.store.lock(item.target), _note_lock(item):
        yield


@asynccontextmanager
async def alock_target(item: Item[Any]) -> AsyncGenerator[None]:
    """Async version of `lock_target`."""
    _check_reentrance(item)
    lock = item.store.lock(item.target)
    await _acquire(lock)
    with _note_lock(item), _release_at_end(lock):
        yield


def _check_reentrance(item: Item[Any]) -> None:
    if item.path in _held.get():
        msg = (
            f"the call that is making target {item.target!r} asks for it again and, with once=True,"
            " would wait for itself. Do not call the task from itself with arguments that give the"
            " same target."
        )
        raise TargetCollision(msg)


@contextmanager
def _note_lock(item: Item[Any]) -> Generator[None]:
    token = _held.set(_held.get() | {item.path})
    try:
        yield
    finally:
        _held.reset(token)


@contextmanager
def _release_at_end(lock: AbstractContextManager[None]) -> Generator[None]:
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


async def _acquire(lock: AbstractContextManager[None]) -> None:
    given_up = Event()

    def enter() -> None:
        with waiting_until(given_up):
            lock.__enter__()

    # A separate thread: the event loop has few, and the lock's holder may need one.
    with ThreadPoolExecutor(1, "prefectx-once") as thread:
        entering: Future[None] = thread.submit(copy_context().run, enter)
        try:
            await asyncio.wrap_future(entering)
        except BaseException:
            given_up.set()
            wait([entering])
            if not entering.cancelled() and entering.exception() is None:
                lock.__exit__(None, None, None)
            raise
