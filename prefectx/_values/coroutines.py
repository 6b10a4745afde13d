"""`run_coroutine`: runs a coroutine from synchronous code, also while an event loop runs."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end and return its result, also while an event loop is running."""
    import asyncio
    import threading

    if not _is_loop_running():
        return asyncio.run(coroutine)
    results: list[Any] = []
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=lambda: results.append(context.run(asyncio.run, _outcome(coroutine))),
    )
    thread.start()
    thread.join()
    result, error = results[0]
    if error is not None:
        raise error
    return result


def _is_loop_running() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _outcome(coroutine: Coroutine[Any, Any, Any]) -> tuple[Any, BaseException | None]:
    try:
        return await coroutine, None
    except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
        return None, error
