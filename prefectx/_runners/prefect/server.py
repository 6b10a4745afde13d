"""Where Prefect's API is: the one that is set, the one that answers here, or one of our own."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

import httpx
from prefect.context import FlowRunContext, TaskRunContext, refresh_global_settings_context
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_SERVER_EPHEMERAL_ENABLED,
    temporary_settings,
)

from prefectx._runners.prefect.temporary_server import TEMPORARY_SERVER
from prefectx.errors import ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Generator

LOCAL_URL: Final = "http://127.0.0.1:4200/api"
_SECONDS: Final = 5.0

_found: ContextVar[bool] = ContextVar("prefectx_api_found", default=False)


@contextmanager
def api() -> Generator[None]:
    """Let Prefect use the API that can be had, within the `with` statement.

    Raises:
        ServerUnreachable: `PREFECT_API_URL` is set and does not answer, or none may be started.
    """
    # A run that Prefect has under way has an API.
    if _found.get() or FlowRunContext.get() or TaskRunContext.get():
        yield
        return
    token = _found.set(True)
    try:
        with temporary_settings({PREFECT_API_URL: _url()}):
            yield
    finally:
        _found.reset(token)


def _url() -> str:
    url: str | None = PREFECT_API_URL.value()
    if url and not TEMPORARY_SERVER.has_died_at(url):
        _check(url)
        return url
    if _why_not(LOCAL_URL) is None:
        return _known_to_all(LOCAL_URL)
    if not PREFECT_SERVER_EPHEMERAL_ENABLED.value():
        msg = (
            f"PREFECT_API_URL is not set, nothing answers at {LOCAL_URL}, and Prefect's settings"
            ' forbid a temporary server: start one with "prefect server start", or set'
            " PREFECT_API_URL."
        )
        raise ServerUnreachable(msg)
    return _known_to_all(TEMPORARY_SERVER.url(LOCAL_URL))


def _known_to_all(url: str) -> str:
    """Make the address that was found what this process and its children are set to.

    Prefect's background threads and the processes of task runners see no setting that is made
    for a context: each of them would start a server of its own.
    """
    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()
    return url


def _check(url: str) -> None:
    if (why := _why_not(url)) is None:
        return
    msg = (
        f"PREFECT_API_URL is set to {url}, which does not answer ({why}): start a server with"
        ' "prefect server start", or set PREFECT_API_URL to one that runs.'
    )
    raise ServerUnreachable(msg)


def _why_not(url: str) -> str | None:
    """Return why nothing usable answers at `url`, or None if something does."""
    # Only what answers is asked for: who may use it is for Prefect's own client to find out.
    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=_SECONDS, verify=False)  # noqa: S501
    except (httpx.TransportError, httpx.InvalidURL) as error:
        return str(error) or type(error).__name__
    return None
