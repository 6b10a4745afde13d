"""A server that is lost in the middle of a flow: the flow still returns its own result."""

from __future__ import annotations

import functools
import inspect
import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import httpx
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed

from prefectx._runners.prefect.future import state_result
from prefectx._runners.prefect.private import drop_reports
from prefectx._runners.prefect.server import is_healthy
from prefectx._settings.mode import current_mode
from prefectx._words import counted
from prefectx.errors import ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

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

    def has_raised(self, error: Exception) -> bool:
        """Tell whether the body itself has raised this exception."""
        return self._error is error

    def value(self, *, return_state: bool) -> Any:
        """Return the flow's result or state, or raise its exception."""
        if self._error is not None:
            raise self._error
        result: Any = self._result
        if isinstance(result, State):
            return result if return_state else state_result(result)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return Completed(data=result) if return_state else result


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


def has_ended_without_server(flow: Any, error: Exception, end: FlowEnd) -> bool:
    """Tell whether a flow has ended although the server is lost; log what is not recorded.

    Args:
        flow: The flow.
        error: What Prefect's engine has raised.
        end: The end of the flow's body.

    Returns:
        False if `error` is the flow's own, or if it is Prefect's to say: in mode `prefect`, and of
        a generator.

    Raises:
        ServerUnreachable: The flow was not started.
    """
    if end.has_raised(error):
        return False
    if end.is_known:
        if is_lost := _is_lost(error) or isinstance(error, ObjectNotFound):
            _report(flow.name, error)
        return is_lost
    if current_mode() == "prefect" or flow.isgenerator or not _is_lost(error):
        return False
    raise _not_started(flow.name, error) from error


def _is_lost(error: Exception) -> bool:
    """Tell whether nobody has answered, or a server that fails, or a proxy that finds none."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, httpx.TransportError)


def _not_started(flow: str, error: Exception) -> ServerUnreachable:
    msg = (
        f"the Prefect server at {PREFECT_API_URL.value()} cannot be used any more ({error}), so"
        f" the flow {flow!r} was not started. All outputs so far are in their targets. Start a"
        " server again, then run the flow once more; the modes function and cache need none."
    )
    return ServerUnreachable(msg)


def _report(flow: str, error: Exception) -> None:
    """Log what Prefect has not recorded, and drop the reports that nobody would receive."""
    url: str = PREFECT_API_URL.value() or ""
    _log.error(
        "the Prefect server at %s cannot be used any more (%s). It has not recorded that the flow"
        " %r has ended, nor perhaps its latest task runs (%s), and shows them as running, or not"
        " at all. The flow still ends with its own result or error, and all outputs are in their"
        " targets.",
        url,
        error,
        flow,
        "their reports are still sent" if is_healthy(url) else _give_up_reports(),
    )


def _give_up_reports() -> str:
    """Drop the unsent reports: Prefect would try each one for seconds, even at exit."""
    number = drop_reports()
    if number is None:
        return "this version of Prefect goes on trying to send their reports"
    return f"{counted(number, 'report')} of this process {'is' if number == 1 else 'are'} dropped"
