"""Telling handles (Items, futures, states, annotations) from data, without importing Prefect."""

from __future__ import annotations

import sys
from typing import Any, TypeGuard

from prefectx._types import type_of
from prefectx._values.future import Future, FutureList, State


def is_future(value: Any) -> TypeGuard[Future[Any]]:
    """Tell whether `value` is a future of a task, ours or Prefect's."""
    return isinstance(value, Future) or _is_prefect(value, "prefect.futures", "PrefectFuture")


def is_future_list(value: Any) -> TypeGuard[FutureList[Any]]:
    """Tell whether `value` is what `.map` gives, ours or Prefect's."""
    return isinstance(value, FutureList) or _is_prefect(
        value, "prefect.futures", "PrefectFutureList"
    )


def is_state(value: Any) -> TypeGuard[State[Any]]:
    """Tell whether `value` is the state of a run, ours or Prefect's."""
    return isinstance(value, State) or _is_prefect(value, "prefect.client.schemas.objects", "State")


def is_iterator(value: Any) -> bool:
    """Tell whether `value` is used up by looking into it."""
    # What collections.abc calls an Iterator; it would have to be imported.
    kind = type_of(value)
    # What Prefect's .map gives is said to be one, and is a list.
    return hasattr(kind, "__next__") and not issubclass(kind, list) and hasattr(kind, "__iter__")


def result_of(handle: Future[Any] | State[Any]) -> Any:
    """Return a future's or state's result, or raise what it raised, also in async code."""
    if isinstance(handle, State) or not is_state(handle):
        return handle.result()
    # Prefect's states give a coroutine where an event loop runs.
    return handle.result(_sync=True)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def is_prefect_annotation(value: Any, name: str) -> bool:
    """Tell whether `value` is Prefect's annotation of this name, as `unmapped`."""
    return isinstance(value, tuple) and _is_prefect(value, "prefect.utilities.annotations", name)


def _is_prefect(value: Any, module: str, name: str) -> bool:
    # Where Prefect was never imported, nothing can be Prefect's.
    loaded = sys.modules.get(module)
    kind = getattr(loaded, name, None)
    return kind is not None and isinstance(value, kind)
