"""Tasks with tags while the server is away: it counts them for their limits, so they need it.

Prefect's engine asks the server for each of them, one after the other, and repeats each question
for about a minute. Here it is waited for once, and what comes later fails at once.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.context import TagsContext
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES

from prefectx._runners.prefect.server import is_healthy
from prefectx._runners.prefect.task import as_prefect_task
from prefectx.errors import ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefectx._naming.decorated import AnyTask

_VALID: Final = 5.0
"""The time, in seconds, for which an answer counts: Prefect keeps its own for as long."""
_PAUSE: Final = 1.0

# When a server has answered, or has first not answered since, by its address.
_answered: Final[dict[str, float]] = {}
_away_since: Final[dict[str, float]] = {}


def wait_for_limits(task: AnyTask) -> None:
    """Wait until the server can count a task, if it has tags: no longer than Prefect would once.

    Raises:
        ServerUnreachable: The server was away for that long, for this task or for those before.
    """
    tags = _tags_of(task)
    url: str | None = PREFECT_API_URL.value()
    if not tags or url is None or time.monotonic() - _answered.get(url, -_VALID) < _VALID:
        return
    while not is_healthy(url):
        since = _away_since.setdefault(url, time.monotonic())
        if time.monotonic() - since >= _patience():
            raise _unreachable(task.name, tags, url)
        time.sleep(_PAUSE)
    _away_since.pop(url, None)
    _answered[url] = time.monotonic()


@contextmanager
def limits(task: AnyTask) -> Generator[None]:
    """Say so if the server goes while Prefect runs a task within the `with` statement.

    Raises:
        ServerUnreachable: The server was away for as long as Prefect waits for it.
    """
    try:
        yield
    except ConcurrencySlotAcquisitionError as error:
        url: str = PREFECT_API_URL.value() or ""
        if is_healthy(url):
            raise
        # Prefect has waited.
        _answered.pop(url, None)
        _away_since[url] = time.monotonic() - _patience()
        raise _unreachable(task.name, _tags_of(task), url) from error


def _tags_of(task: AnyTask) -> list[str]:
    real: Any = as_prefect_task(task)
    return sorted({*real.tags, *TagsContext.get().current_tags})


def _patience() -> float:
    """Return the time for which Prefect's client repeats one request."""
    return sum(2.0**count for count in range(1, PREFECT_CLIENT_MAX_RETRIES.value() + 1))


def _unreachable(task: str, tags: list[str], url: str) -> ServerUnreachable:
    msg = (
        f"the Prefect server at {url} does not answer, so the task {task!r} was not run: it has the"
        f" tags {', '.join(map(repr, tags))}, which the server counts for their limits. All outputs"
        " so far are in their targets. Start a server again, then run the flow once more; a task"
        " without tags goes on without the server."
    )
    return ServerUnreachable(msg)
