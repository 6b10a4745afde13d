"""Prefect's API: at `PREFECT_API_URL`, at the local default address, or a temporary server."""

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

_has_api: ContextVar[bool] = ContextVar("prefectx_api_found", default=False)


@contextmanager
def api() -> Generator[None]:
    """Set the API for Prefect within the `with` statement, and start one if necessary.

    Raises:
        ServerUnreachable: `PREFECT_API_URL` does not answer, or no server may be started.
    """
    # A current run of Prefect has an API already.
    if _has_api.get() or FlowRunContext.get() or TaskRunContext.get():
        yield
        return
    token = _has_api.set(True)
    try:
        with temporary_settings({PREFECT_API_URL: _url()}):
            yield
    finally:
        _has_api.reset(token)


def _url() -> str:
    url: str | None = PREFECT_API_URL.value()
    if url and not TEMPORARY_SERVER.has_died_at(url):
        _check(url)
        return url
    if _why_unreachable(LOCAL_URL) is None:
        return _set_for_all(LOCAL_URL)
    if not PREFECT_SERVER_EPHEMERAL_ENABLED.value():
        msg = (
            f"PREFECT_API_URL is not set, nothing answers at {LOCAL_URL}, and Prefect's settings"
            ' forbid a temporary server. Start a server with "prefect server start", or set'
            " PREFECT_API_URL."
        )
        raise ServerUnreachable(msg)
    return _set_for_all(TEMPORARY_SERVER.url(LOCAL_URL))


def _set_for_all(url: str) -> str:
    """Set the address for this whole process and its children.

    Prefect's background threads and the processes of task runners do not see temporary settings:
    each of them would start another server.
    """
    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()
    return url


def _check(url: str) -> None:
    if (why := _why_unreachable(url)) is None:
        return
    msg = (
        f"PREFECT_API_URL is set to {url}, which does not answer ({why}). Start a server with"
        ' "prefect server start", or set PREFECT_API_URL to the address of a running one.'
    )
    raise ServerUnreachable(msg)


def is_healthy(url: str) -> bool:
    """Tell whether a server answers at `url` and says that it is well."""
    try:
        return _health(url).is_success
    except (httpx.TransportError, httpx.InvalidURL):
        return False


def _health(url: str) -> httpx.Response:
    return httpx.get(f"{url.rstrip('/')}/health", timeout=_SECONDS, verify=False)  # noqa: S501


def _why_unreachable(url: str) -> str | None:
    """Return why nothing answers at `url`; None if a server does."""
    # Any answer will do: Prefect's own client checks the credentials.
    try:
        _health(url)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        return str(error) or type(error).__name__
    return None
