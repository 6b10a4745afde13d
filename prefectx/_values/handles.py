"""Tests for handles (futures, states, annotations), without importing Prefect."""

from __future__ import annotations

import sys
from typing import Any, TypeGuard

from prefectx._types import has_member, type_of
from prefectx._values.future import Future, FutureList, State


def is_future(value: Any) -> TypeGuard[Future[Any]]:
    """Tell whether `value` is a future of a task, of prefectx or Prefect."""
    return isinstance(value, Future) or _is_prefect(value, "prefect.futures", "PrefectFuture")


def is_future_list(value: Any) -> TypeGuard[FutureList[Any]]:
    """Tell whether `value` is a list of futures as `.map` returns, of prefectx or Prefect."""
    return isinstance(value, FutureList) or _is_prefect(
        value, "prefect.futures", "PrefectFutureList"
    )


def is_state(value: Any) -> TypeGuard[State[Any]]:
    """Tell whether `value` is the state of a run, of prefectx or Prefect."""
    return isinstance(value, State) or _is_prefect(value, "prefect.client.schemas.objects", "State")


def is_iterator(value: Any) -> bool:
    """Tell whether `value` is an iterator, which reading uses up."""
    # As collections.abc.Iterator, which is not imported for this.
    kind = type_of(value)
    # Prefect's list of futures has `__next__`, but is a list.
    return (
        has_member(kind, "__next__") and not issubclass(kind, list) and has_member(kind, "__iter__")
    )


def result_of(handle: Future[Any] | State[Any]) -> Any:
    """Return the result of a future or state, or raise its exception; also in async code."""
    if isinstance(handle, State) or not is_state(handle):
        return handle.result()
    # While an event loop runs, Prefect's states would return a coroutine.
    return handle.result(_sync=True)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def is_prefect_annotation(value: Any, name: str) -> bool:
    """Tell whether `value` is Prefect's annotation with this name, such as `unmapped`."""
    return isinstance(value, tuple) and _is_prefect(value, "prefect.utilities.annotations", name)


def _is_prefect(value: Any, module: str, name: str) -> bool:
    # If Prefect was never imported, the value cannot be Prefect's.
    loaded = sys.modules.get(module)
    kind = getattr(loaded, name, None)
    return kind is not None and isinstance(value, kind)
