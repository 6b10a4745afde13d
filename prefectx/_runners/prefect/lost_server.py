"""A server that is gone for good in the middle of a flow: the flow ends with its own result."""

from __future__ import annotations

import functools
import inspect
import logging
from contextlib import contextmanager
from contextvars import ContextVar
from queue import Empty
from typing import TYPE_CHECKING, Any, Final

from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import httpx

_log: Final = logging.getLogger("prefectx.api")


class FlowEnd:
    """The result or the exception of a flow's body, kept until Prefect was told of it."""

    def __init__(self) -> None:
        self._result: Any = None
        self._error: Exception | None = None
        self._is_known = False

    def note_result(self, result: Any) -> None:
        """Keep what the body gave."""
        self._result, self._error, self._is_known = result, None, True

    def note_error(self, error: Exception) -> None:
        """Keep what the body raised."""
        self._error, self._is_known = error, True

    @property
    def is_known(self) -> bool:
        """Whether the body has ended."""
        return self._is_known

    def given(self, *, return_state: bool) -> Any:
        """Return or raise what the flow's caller is given."""
        if self._error is not None:
            raise self._error
        return Completed(data=self._result) if return_state else self._result


_end: ContextVar[FlowEnd | None] = ContextVar("prefectx_flow_end", default=None)


def noting_its_end(body: Callable[..., Any]) -> Callable[..., Any]:
    """Return a flow's body that notes how it ends; that of a generator as it is."""
    if inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body):
        return body
    if inspect.iscoroutinefunction(body):

        @functools.wraps(body)
        async def async_body(*args: Any, **kwargs: Any) -> Any:
            with _noted() as end:
                result = await body(*args, **kwargs)
            end.note_result(result)
            return result

        return async_body

    @functools.wraps(body)
    def sync_body(*args: Any, **kwargs: Any) -> Any:
        with _noted() as end:
            result = body(*args, **kwargs)
        end.note_result(result)
        return result

    return sync_body


@contextmanager
def _noted() -> Generator[FlowEnd]:
    end = _end.get() or FlowEnd()
    # A flow that is called within has an end of its own.
    token = _end.set(None)
    try:
        yield end
    except Exception as error:
        end.note_error(error)
        raise
    finally:
        _end.reset(token)


@contextmanager
def flow_end() -> Generator[FlowEnd]:
    """Give the end of the flow that is called within the `with` statement."""
    end = FlowEnd()
    token = _end.set(end)
    try:
        yield end
    finally:
        _end.reset(token)


def say_that_it_is_gone(flow: str, error: httpx.TransportError) -> None:
    """Say what Prefect does not know, and give up what was still to be reported."""
    _log.error(
        "the Prefect server at %s does not answer any more (%s): it does not know that the flow %r"
        " has ended, nor what became of its latest task runs (%s reports are given up), and shows"
        " them as running, or not at all. The flow's result is given all the same, and outputs are"
        " in their targets.",
        PREFECT_API_URL.value(),
        error,
        flow,
        _give_up_reports(),
    )


def _give_up_reports() -> int:
    """Forget what is still to be sent: each report would be tried for seconds, also at exit."""
    worker: Any = EventsWorker.instance()
    queue = getattr(worker, "_queue", None)
    given_up = 0
    try:
        while queue is not None:
            queue.get_nowait()
            queue.task_done()
            given_up += 1
    except Empty:
        pass
    return given_up
