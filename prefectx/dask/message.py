"""What crosses to a worker for one call, with futures in it left out, to be filled in there."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

import cloudpickle

from prefectx.dask.future import DaskFuture
from prefectx.runners.prefect_future import is_prefect_future
from prefectx.task import Task
from prefectx.tree import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import distributed

    from prefectx.dask.outcome import Outcome


class Awaited(NamedTuple):
    """Stands in an argument's place for what the task at `index` among those before gives."""

    index: int


class Prepared(NamedTuple):
    """Arguments that can be pickled, the futures that they wait for, and Dask's own of those."""

    arguments: Any
    futures: list[DaskFuture]
    awaited: list[distributed.Future]


def prepared(arguments: Any) -> Prepared:
    """Return `arguments` without futures: with the states of those that are known.

    Futures of other task runners are waited for.
    """
    futures: list[DaskFuture] = []
    awaited: list[distributed.Future] = []

    def without_futures(value: Any) -> Any:
        if not is_prefect_future(value):
            return value
        if isinstance(value, DaskFuture):
            running = value.on_workers
            if running is not None:
                futures.append(value)
                awaited.append(running)
                return Awaited(len(awaited) - 1)
        else:
            value.wait()
        return value.state

    return Prepared(replace(arguments, without_futures), futures, awaited)


def filled_in(arguments: Any, outcomes: Sequence[Outcome]) -> Any:
    """Return `arguments` with states in place of what stood for futures."""

    def state_of(value: Any) -> Any:
        return outcomes[value.index].state if isinstance(value, Awaited) else value

    return replace(arguments, state_of)


def pickled(value: Any) -> bytes:
    """Return a value as bytes; tasks and flows of modules by reference."""
    content: bytes = cloudpickle.dumps(value)
    return content


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no annotations
    def __init__(self, file: io.BytesIO, keep: Callable[[Task[..., Any]], str]) -> None:
        super().__init__(file)
        self._keep = keep

    def persistent_id(self, value: Any) -> str | None:
        return self._keep(value) if isinstance(value, Task) and value.travels_by_value else None


def pickled_call(value: Any, keep: Callable[[Task[..., Any]], str]) -> bytes:
    """Return a call as bytes, in which names stand for tasks that no module knows.

    Args:
        value: The call.
        keep: Keeps such a task for all calls, and returns its name.
    """
    file = io.BytesIO()
    _Pickler(file, keep).dump(value)
    return file.getvalue()


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, find: Callable[[str], Any]) -> None:
        super().__init__(file)
        self._find = find

    def persistent_load(self, name: str) -> Any:
        return self._find(name)


def unpickled_call(content: bytes, find: Callable[[str], Any]) -> Any:
    """Return the call that `pickled_call` made bytes of.

    Args:
        content: The bytes.
        find: Returns the task that was kept under a name.
    """
    return _Unpickler(io.BytesIO(content), find).load()
