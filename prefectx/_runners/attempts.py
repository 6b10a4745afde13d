"""Retries and timeouts without Prefect, by the same options."""

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

from prefectx._logs.loggers import standard_logger
from prefectx._types import is_list
from prefectx._values.coroutines import run_coroutine
from prefectx._values.future import State, failed
from prefectx._values.handles import is_state
from prefectx.errors import PrefectxError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from prefectx._naming.decorated import AnyTask


def attempt(task: AnyTask, make: Callable[[], Any]) -> Any:
    """Call `make` within the task's timeout, and again after failures if it has retries.

    Args:
        task: The task.
        make: Runs the task once.

    Raises:
        TimeoutError: The last attempt took longer than `timeout_seconds`.
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
    """Async version of `attempt`."""
    seconds = task.options.get("timeout_seconds")
    retries = _Retries(task)
    while True:
        try:
            result = await _await_within(task.name, make(), seconds)
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
    """Counts the attempts at one call, and computes the delay before the next one."""

    def __init__(self, task: AnyTask) -> None:
        self._task = task
        self._most: int = task.options.get("retries") or 0
        self._delays: Any = task.options.get("retry_delay_seconds") or 0
        if callable(self._delays):
            self._delays = self._delays(self._most)
        self._done = 0

    def delay_after(self, state: State[Any]) -> float | None:
        """Return the delay before the next attempt in seconds; None if there is none."""
        if self._done >= self._most or isinstance(state.data, PrefectxError):
            return None
        if not self._should_retry(state):
            return None
        delay = self._delay()
        self._done += 1
        standard_logger().info(
            "task %s failed: %s; attempt %d of %d starts in %g s",
            self._task.name,
            f"{type(state.data).__name__}: {state.data}",
            self._done + 1,
            self._most + 1,
            delay,
        )
        return delay

    def _should_retry(self, state: State[Any]) -> bool:
        condition = self._task.options.get("retry_condition_fn")
        if condition is None:
            return True
        # A stand-in for Prefect's task run.
        run = SimpleNamespace(name=self._task.name, run_count=self._done + 1, state=state)
        answer = condition(self._task, run, state)
        return bool(run_coroutine(answer) if inspect.iscoroutine(answer) else answer)

    def _delay(self) -> float:
        delays: Any = self._delays
        delay = delays[min(self._done, len(delays) - 1)] if is_list(delays) else delays
        jitter = self._task.options.get("retry_jitter_factor") or 0
        return float(delay) * (1 + random.uniform(0, jitter))  # noqa: S311 - it only spreads


async def _await_within(task: str, coroutine: Awaitable[Any], seconds: float | None) -> Any:
    if not seconds:
        return await coroutine
    timeout = asyncio.timeout(seconds)
    try:
        async with timeout:
            return await coroutine
    except TimeoutError:
        if timeout.expired():
            raise TimeoutError(_timeout_message(task, seconds)) from None
        raise


def _timeout_message(task: str, seconds: float) -> str:
    return f"task {task!r} ran longer than its timeout_seconds={seconds:g}"


@contextlib.contextmanager
def _timeout(task: str, seconds: float | None) -> Generator[None]:
    """Raise `TimeoutError` in this thread if the `with` statement takes longer."""
    if not seconds:
        yield
        return
    is_main = threading.current_thread() is threading.main_thread()
    interrupt = (
        _interrupt_main_thread
        if is_main and hasattr(signal, "setitimer")
        else _interrupt_other_thread
    )
    with interrupt(_timeout_message(task, seconds), seconds):
        yield


@contextlib.contextmanager
def _interrupt_main_thread(message: str, seconds: float) -> Generator[None]:
    """Interrupt the main thread by a signal, which also ends a blocking call."""

    def interrupt(*_: object) -> None:
        raise TimeoutError(message)

    started = time.monotonic()
    before = signal.signal(signal.SIGALRM, interrupt)
    # A task within a task uses the same timer; the outer one's is restored afterwards.
    rest, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if rest:
            passed = time.monotonic() - started
            signal.setitimer(signal.ITIMER_REAL, max(rest - passed, 1e-6))


class _Timeout(TimeoutError):
    """Raised in a thread by another thread, which cannot pass a message."""


@contextlib.contextmanager
def _interrupt_other_thread(message: str, seconds: float) -> Generator[None]:
    """Interrupt a thread other than the main one, at its next bytecode."""
    thread = threading.get_ident()
    lock = threading.Lock()
    ended = threading.Event()

    def interrupt() -> None:
        if ended.wait(seconds):
            return
        with lock:
            if not ended.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread), ctypes.py_object(_Timeout)
                )

    watcher = threading.Thread(target=interrupt, name="prefectx-timeout", daemon=True)
    watcher.start()
    try:
        try:
            yield
        finally:
            with lock:
                ended.set()
            # Cancel an exception that was sent and is not raised yet.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)
    except _Timeout:
        raise TimeoutError(message) from None
