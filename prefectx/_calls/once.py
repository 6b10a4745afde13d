"""`once=True`: of all who ask for a target at once, one makes it, and the others wait."""

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
def held(item: Item[Any]) -> Generator[None]:
    """Hold an item's target alone, among all processes that share its store; wait for it.

    Raises:
        TargetCollision: This very call, or one that it is part of, holds the target.
        UnsupportedValue: The store has no locks.
    """
    _check_reentrance(item)
    with item.store.lock(item.target), _noted(item):
        yield


@asynccontextmanager
async def aheld(item: Item[Any]) -> AsyncGenerator[None]:
    """Do the same while the event loop goes on."""
    _check_reentrance(item)
    lock = item.store.lock(item.target)
    await _entered(lock)
    with _noted(item), _left(lock):
        yield


def _check_reentrance(item: Item[Any]) -> None:
    if item.path in _held.get():
        msg = (
            f"target {item.target!r} is asked for by the very call that is making it, and that,"
            " with once=True, holds it: it would wait for itself. Let the task not call itself"
            " with arguments that give the same target."
        )
        raise TargetCollision(msg)


@contextmanager
def _noted(item: Item[Any]) -> Generator[None]:
    token = _held.set(_held.get() | {item.path})
    try:
        yield
    finally:
        _held.reset(token)


@contextmanager
def _left(lock: AbstractContextManager[None]) -> Generator[None]:
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


async def _entered(lock: AbstractContextManager[None]) -> None:
    given_up = Event()

    def enter() -> None:
        with waiting_until(given_up):
            lock.__enter__()

    # A thread of its own: those of the event loop are few, and the holder may need one.
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
