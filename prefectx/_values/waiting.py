"""`wait` and `as_completed`: over futures of any mode, and over Items, which have finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from prefectx._values.future import Future
from prefectx._values.item import Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class DoneAndNotDoneFutures(NamedTuple):
    """What `wait` gives: two sets, `done` and `not_done`."""

    done: set[Any]
    not_done: set[Any]


def wait(futures: Iterable[Any], timeout: float | None = None) -> DoneAndNotDoneFutures:
    """Wait until the futures have finished.

    Args:
        futures: Futures or Items, of any mode.
        timeout: How many seconds to wait at most; by default, without end.

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
    given = list(futures)
    done = {future for future in given if _has_finished(future)}
    running = [future for future in given if not _has_finished(future)]
    if not running:
        return DoneAndNotDoneFutures(done, set())
    from prefect.futures import wait as prefect_wait

    finished, not_done = prefect_wait(running, timeout=timeout)
    return DoneAndNotDoneFutures(done | finished, not_done)


def as_completed(futures: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
    """Give the futures as they finish.

    Args:
        futures: Futures or Items, of any mode.
        timeout: How many seconds to wait for all of them at most; by default, without end.

    Raises:
        TimeoutError: Some have not finished in time.

    Example:
        >>> @task(target=None)
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> [future.result() for future in as_completed([double.submit(1)])]
        [2]
    """
    given = list(dict.fromkeys(futures))
    yield from (future for future in given if _has_finished(future))
    running = [future for future in given if not _has_finished(future)]
    if not running:
        return
    from prefect.futures import as_completed as prefect_as_completed

    yield from prefect_as_completed(running, timeout=timeout)


def _has_finished(future: Any) -> TypeGuard[Future[Any] | Item[Any]]:
    return isinstance(future, Future | Item)
