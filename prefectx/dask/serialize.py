"""Serialization of calls for a worker; the worker fills in the results of futures."""

from __future__ import annotations

import io
import pickle
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard

from prefectx._api.task import Task
from prefectx._runners.prefect.future import is_prefect_future
from prefectx._runners.prefect.task_for_call import shared_task
from prefectx._values.containers import replace
from prefectx._values.handles import is_prefect_annotation
from prefectx.dask.future import DaskFuture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefectx.dask.outcome import Outcome
    from prefectx.dask.protocols import DaskResult

# It has no annotations.
_cloudpickle: Final[Any] = import_module("cloudpickle")


class FuturePlace:
    """A placeholder for the outcome of the awaited task at `index`."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class PlainAnnotation(NamedTuple):
    """A placeholder for `kind(value)`, an annotation of Prefect, which pickling would change."""

    kind: type[Any]
    value: Any


class Arguments(NamedTuple):
    """Arguments that can be pickled, the futures that they depend on, and Dask's own futures."""

    arguments: Any
    futures: list[DaskFuture]
    awaited: list[DaskResult]


def prepare(arguments: Any) -> Arguments:
    """Return `arguments` with futures replaced by their states or by placeholders.

    It waits for futures of other task runners.
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


def fill_in(arguments: Any, outcomes: Sequence[Outcome]) -> Any:
    """Return `arguments` with placeholders replaced by states."""

    def original(value: Any) -> Any:
        if isinstance(value, PlainAnnotation):
            return value.kind(replace(value.value, original))
        return outcomes[value.index].state if isinstance(value, FuturePlace) else value

    return replace(arguments, original)


def dumps(value: Any) -> bytes:
    """Return the pickle of a value; tasks and flows of modules are pickled by reference."""
    content: bytes = _cloudpickle.dumps(value)
    return content


def dump_call(value: Any, keep: Callable[[Task[..., Any]], str]) -> bytes:
    """Return the pickle of a call, with names in place of tasks that cannot be imported.

    Args:
        value: The call.
        keep: Stores such a task for all calls, and returns its name.
    """
    file = io.BytesIO()
    pickler = _cloudpickle.Pickler(file)

    def name_of(part: Any) -> str | None:
        # Not a copy for one call, which refers to the task that all calls share.
        is_shared = _is_task(part) and shared_task(part) is part and part.is_pickled_by_value
        return keep(part) if is_shared else None

    pickler.persistent_id = name_of
    pickler.dump(value)
    return file.getvalue()


def _is_task(part: Any) -> TypeGuard[Task[..., Any]]:
    return isinstance(part, Task)


def load_call(content: bytes, find: Callable[[str], Any]) -> Any:
    """Return the call from a pickle of `dump_call`.

    Args:
        content: The bytes.
        find: Returns the task that is stored under a name.
    """
    unpickler: Any = pickle.Unpickler(io.BytesIO(content))
    unpickler.persistent_load = find
    return unpickler.load()
