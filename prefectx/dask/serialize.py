"""Calls as bytes for a worker, with futures left out, to be filled in there."""

from __future__ import annotations

import io
import pickle
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard

from prefectx._api.task import Task
from prefectx._runners.prefect.future import is_prefect_future
from prefectx._runners.prefect.task import shared_task
from prefectx._values.containers import replace
from prefectx._values.kinds import is_prefect_annotation
from prefectx.dask.future import DaskFuture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefectx.dask.outcome import Outcome
    from prefectx.dask.protocols import DaskResult

# It has no annotations.
_cloudpickle: Final[Any] = import_module("cloudpickle")


class FuturePlace:
    """Stands in an argument's place for what the task at `index` among those before gives."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class PlainAnnotation(NamedTuple):
    """Stands for `kind(value)`, an annotation of Prefect's, which pickling would change."""

    kind: type[Any]
    value: Any


class Arguments(NamedTuple):
    """Arguments that can be pickled, the futures that they wait for, and Dask's own of those."""

    arguments: Any
    futures: list[DaskFuture]
    awaited: list[DaskResult]


def prepared(arguments: Any) -> Arguments:
    """Return `arguments` without futures: with the states of those that are known.

    Futures of other task runners are waited for.
    """
    futures: list[DaskFuture] = []
    awaited: list[DaskResult] = []

    def without_futures(value: Any) -> Any:
        if is_prefect_annotation(value, "BaseAnnotation"):
            return PlainAnnotation(type(value), replace(value.unwrap(), without_futures))
        if not is_prefect_future(value):
            return value
        if isinstance(value, DaskFuture):
            running = value.on_workers
            if running is not None:
                futures.append(value)
                awaited.append(running)
                return FuturePlace(len(awaited) - 1)
        else:
            value.wait()
        return value.state

    return Arguments(replace(arguments, without_futures), futures, awaited)


def filled_in(arguments: Any, outcomes: Sequence[Outcome]) -> Any:
    """Return `arguments` with states in place of what stood for futures."""

    def original(value: Any) -> Any:
        if isinstance(value, PlainAnnotation):
            return value.kind(replace(value.value, original))
        return outcomes[value.index].state if isinstance(value, FuturePlace) else value

    return replace(arguments, original)


def pickled(value: Any) -> bytes:
    """Return a value as bytes; tasks and flows of modules by reference."""
    content: bytes = _cloudpickle.dumps(value)
    return content


def pickled_call(value: Any, keep: Callable[[Task[..., Any]], str]) -> bytes:
    """Return a call as bytes, in which names stand for tasks that no module knows.

    Args:
        value: The call.
        keep: Keeps such a task for all calls, and returns its name.
    """
    file = io.BytesIO()
    pickler = _cloudpickle.Pickler(file)

    def name_of(part: Any) -> str | None:
        # A task that was made for one call names the one that all calls share.
        is_shared = _is_task(part) and shared_task(part) is part and part.is_pickled_by_value
        return keep(part) if is_shared else None

    pickler.persistent_id = name_of
    pickler.dump(value)
    return file.getvalue()


def _is_task(part: Any) -> TypeGuard[Task[..., Any]]:
    return isinstance(part, Task)


def unpickled_call(content: bytes, find: Callable[[str], Any]) -> Any:
    """Return the call that `pickled_call` made bytes of.

    Args:
        content: The bytes.
        find: Returns the task that was kept under a name.
    """
    unpickler: Any = pickle.Unpickler(io.BytesIO(content))
    unpickler.persistent_load = find
    return unpickler.load()
