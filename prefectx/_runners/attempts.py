"""Retries and timeouts where Prefect does not run the task, by the options that Prefect has."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import inspect
import random
import signal
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from prefectx._logs.loggers import plain_logger
from prefectx._types import is_list
from prefectx._values.coroutines import run_coroutine
from prefectx._values.future import State, failed
from prefectx._values.kinds import is_state
from prefectx.errors import PrefectxError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from prefectx._naming.decorated import AnyTask


def attempt(task: AnyTask, make: Callable[[], Any]) -> Any:
    """Call `make`, again after failures if the task has retries, each time within its timeout.

    Args:
        task: The task.
        make: Runs the task once.

    Raises:
        TimeoutError: The last try took longer than `timeout_seconds`.
    """
    seconds = task.options.get("timeout_seconds")
    retries = _Retries(task)
    while True:
        try:
            with _timeout(task.name, seconds):
                result = make()
        except Exception as error:
            if (delay := retries.delay_after(failed(error))) is None:
                raise
        else:
            if not _has_failed(result) or (delay := retries.delay_after(result)) is None:
                return result
        time.sleep(delay)


async def aattempt(task: AnyTask, make: Callable[[], Awaitable[Any]]) -> Any:
    """Do the same for a coroutine function."""
    seconds = task.options.get("timeout_seconds")
    retries = _Retries(task)
    while True:
        try:
            result = await _awaited(task.name, make(), seconds)
        except Exception as error:
            if (delay := retries.delay_after(failed(error))) is None:
                raise
        else:
            if not _has_failed(result) or (delay := retries.delay_after(result)) is None:
                return result
        await asyncio.sleep(delay)


def _has_failed(result: Any) -> bool:
    return is_state(result) and result.is_failed()


class _Retries:
    """Counts the tries of one call, and tells how long to wait for the next one."""

    def __init__(self, task: AnyTask) -> None:
        self._task = task
        self._most: int = task.options.get("retries") or 0
        self._delays: Any = task.options.get("retry_delay_seconds") or 0
        if callable(self._delays):
            self._delays = self._delays(self._most)
        self._done = 0

    def delay_after(self, state: State[Any]) -> float | None:
        """Return how many seconds to wait before the next try, or None if there is none."""
        if self._done >= self._most or isinstance(state.data, PrefectxError):
            return None
        if not self._is_wanted(state):
            return None
        delay = self._delay()
        self._done += 1
        plain_logger().info(
            "task %s failed: %s; try %d of %d starts in %g s",
            self._task.name,
            state.message,
            self._done + 1,
            self._most + 1,
            delay,
        )
        return delay

    def _is_wanted(self, state: State[Any]) -> bool:
        condition = self._task.options.get("retry_condition_fn")
        if condition is None:
            return True
        # As far as there is a task run where Prefect runs none.
        run = SimpleNamespace(name=self._task.name, run_count=self._done + 1, state=state)
        answer = condition(self._task, run, state)
        return bool(run_coroutine(answer) if inspect.iscoroutine(answer) else answer)

    def _delay(self) -> float:
        delays: Any = self._delays
        delay = delays[min(self._done, len(delays) - 1)] if is_list(delays) else delays
        jitter = self._task.options.get("retry_jitter_factor") or 0
        return float(delay) * (1 + random.uniform(0, jitter))  # noqa: S311 - it only spreads


async def _awaited(task: str, coroutine: Awaitable[Any], seconds: float | None) -> Any:
    if not seconds:
        return await coroutine
    timeout = asyncio.timeout(seconds)
    try:
        async with timeout:
            return await coroutine
    except TimeoutError:
        if timeout.expired():
            raise TimeoutError(_too_long(task, seconds)) from None
        raise


def _too_long(task: str, seconds: float) -> str:
    return f"task {task!r} has run longer than its timeout_seconds={seconds:g}"


@contextlib.contextmanager
def _timeout(task: str, seconds: float | None) -> Generator[None]:
    """Raise `TimeoutError` in this thread if the `with` statement takes longer."""
    if not seconds:
        yield
        return
    is_main = threading.current_thread() is threading.main_thread()
    interrupt = _by_signal if is_main and hasattr(signal, "setitimer") else _by_thread
    with interrupt(_too_long(task, seconds), seconds):
        yield


@contextlib.contextmanager
def _by_signal(message: str, seconds: float) -> Generator[None]:
    """Interrupt the main thread, which also wakes from what it waits for."""

    def interrupt(*_: object) -> None:
        raise TimeoutError(message)

    started = time.monotonic()
    before = signal.signal(signal.SIGALRM, interrupt)
    # A task within a task has a timer of its own; the outer one goes on afterwards.
    rest, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if rest:
            passed = time.monotonic() - started
            signal.setitimer(signal.ITIMER_REAL, max(rest - passed, 1e-6))


class _TookTooLong(TimeoutError):
    """Raised in a thread by another, which can hand over no message."""


@contextlib.contextmanager
def _by_thread(message: str, seconds: float) -> Generator[None]:
    """Interrupt a thread other than the main one at its next step of Python."""
    thread = threading.get_ident()
    lock = threading.Lock()
    ended = threading.Event()

    def interrupt() -> None:
        if ended.wait(seconds):
            return
        with lock:
            if not ended.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread), ctypes.py_object(_TookTooLong)
                )

    watcher = threading.Thread(target=interrupt, name="prefectx-timeout", daemon=True)
    watcher.start()
    try:
        try:
            yield
        finally:
            with lock:
                ended.set()
            # What was sent and has not come yet is not to come later.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)
    except _TookTooLong:
        raise TimeoutError(message) from None
