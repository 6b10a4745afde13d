"""A server that is lost in the middle of a flow: the flow still returns its own result."""

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

from prefectx.errors import ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import httpx

_log: Final = logging.getLogger("prefectx.api")


class FlowEnd:
    """The result or the exception of a flow's body, kept until Prefect has recorded it."""

    def __init__(self) -> None:
        self._result: Any = None
        self._error: Exception | None = None
        self._is_known = False

    def note_result(self, result: Any) -> None:
        """Keep the body's result."""
        self._result, self._error, self._is_known = result, None, True

    def note_error(self, error: Exception) -> None:
        """Keep the body's exception."""
        self._error, self._is_known = error, True

    @property
    def is_known(self) -> bool:
        """True if the body has ended."""
        return self._is_known

    def value(self, *, return_state: bool) -> Any:
        """Return the flow's result or state, or raise its exception."""
        if self._error is not None:
            raise self._error
        return Completed(data=self._result) if return_state else self._result


_end: ContextVar[FlowEnd | None] = ContextVar("prefectx_flow_end", default=None)


def note_flow_end(body: Callable[..., Any]) -> Callable[..., Any]:
    """Return a flow's body that notes its result or exception; a generator stays unchanged."""
    if inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body):
        return body
    if inspect.iscoroutinefunction(body):

        @functools.wraps(body)
        async def async_body(*args: Any, **kwargs: Any) -> Any:
            with _note_error() as end:
                result = await body(*args, **kwargs)
            end.note_result(result)
            return result

        return async_body

    @functools.wraps(body)
    def sync_body(*args: Any, **kwargs: Any) -> Any:
        with _note_error() as end:
            result = body(*args, **kwargs)
        end.note_result(result)
        return result

    return sync_body


@contextmanager
def _note_error() -> Generator[FlowEnd]:
    end = _end.get() or FlowEnd()
    # A flow that is called within this one has a separate end.
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
    """Yield the end of the flow that is called within the `with` statement."""
    end = FlowEnd()
    token = _end.set(end)
    try:
        yield end
    finally:
        _end.reset(token)


def not_started(flow: str, error: httpx.TransportError) -> ServerUnreachable:
    """Return the error for a flow that cannot start, because the server is gone."""
    msg = (
        f"the Prefect server at {PREFECT_API_URL.value()} does not answer any more ({error}), so"
        f" the flow {flow!r} was not started. All outputs so far are in their targets. Start a"
        " server again, then run the flow once more; the modes function and cache need none."
    )
    return ServerUnreachable(msg)


def report_lost_server(flow: str, error: httpx.TransportError) -> None:
    """Log what Prefect has not recorded, and drop the reports that were not sent."""
    _log.error(
        "the Prefect server at %s does not answer any more (%s). It has not recorded that the flow"
        " %r has ended, nor its latest task runs (%s reports are dropped), and shows them as"
        " running, or not at all. The flow still returns its result, and all outputs are in their"
        " targets.",
        PREFECT_API_URL.value(),
        error,
        flow,
        _give_up_reports(),
    )


def _give_up_reports() -> int:
    """Drop the unsent reports: Prefect would try each one for seconds, even at exit."""
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
