"""`wait` and `as_completed`, for futures of any mode and for Items, which are finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from prefectx._values.future import Future
from prefectx._values.item import Item
from prefectx._values.tracebacks import own_frames_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class DoneAndNotDoneFutures(NamedTuple):
    """The result of `wait`: two sets, `done` and `not_done`."""

    done: set[Any]
    not_done: set[Any]


def wait(futures: Iterable[Any], timeout: float | None = None) -> DoneAndNotDoneFutures:
    """Wait until the futures have finished.

    Args:
        futures: Futures or Items, of any mode.
        timeout: The maximal time to wait, in seconds; by default unlimited.

    Returns:
        Two sets: `done` and `not_done`.

    Example:
        >>> @task(target=None)
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> done, not_done = wait([double.submit(1), double.submit(2)])
        >>> len(done), len(not_done)
        (2, 0)
    """
    unique = list(futures)
    done = {future for future in unique if _has_finished(future)}
    running = [future for future in unique if not _has_finished(future)]
    if not running:
        return DoneAndNotDoneFutures(done, set())
    from prefect.futures import wait as prefect_wait

    finished, not_done = prefect_wait(running, timeout=timeout)
    return DoneAndNotDoneFutures(done | finished, not_done)


def as_completed(futures: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
    """Yield the futures as they finish.

    Args:
        futures: Futures or Items, of any mode.
        timeout: The maximal time to wait for all of them, in seconds; by default unlimited.

    Raises:
        TimeoutError: Some futures have not finished in time.

    Example:
        >>> @task(target=None)
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> [future.result() for future in as_completed([double.submit(1)])]
        [2]
    """
    unique = list(dict.fromkeys(futures))
    yield from (future for future in unique if _has_finished(future))
    running = [future for future in unique if not _has_finished(future)]
    if not running:
        return
    from prefect.futures import as_completed as prefect_as_completed

    with own_frames_hidden:
        yield from prefect_as_completed(running, timeout=timeout)


def _has_finished(future: Any) -> TypeGuard[Future[Any] | Item[Any]]:
    return isinstance(future, Future | Item)
