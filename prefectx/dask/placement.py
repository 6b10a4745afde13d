"""Placement of tasks: the resources, the priority and the workers for Dask."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from dask.base import annotate, get_annotations

from prefectx.dask.protocols import client_of
from prefectx.errors import NoSuchResource

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from prefect_dask.task_runners import DaskTaskRunner

    from prefectx._naming.decorated import AnyTask
    from prefectx.dask.protocols import DaskClient

_OPTIONS: Final = ("resources", "priority", "workers")
"""Options of tasks that are also Dask's annotations."""


@contextmanager
def apply_placement(task: AnyTask, task_runner: DaskTaskRunner) -> Generator[None]:
    """Apply the task's options as Dask's annotations within the `with` statement.

    Raises:
        NoSuchResource: No worker has the resources.
    """
    own = {name: task.options.get(name) for name in _OPTIONS}
    with annotate(**{name: value for name, value in own.items() if value is not None}):
        if resources := get_annotations().get("resources"):
            _check_once(task, resources, task_runner)
        yield


def _check_once(task: AnyTask, resources: Mapping[str, float], task_runner: DaskTaskRunner) -> None:
    offered: set[Any] = getattr(task_runner, "offered", set())
    asked = frozenset(resources.items())
    if asked not in offered:
        check_offered(client_of(task_runner), task.name, resources)
        offered.add(asked)


def check_offered(client: DaskClient, task: str, asked: Mapping[str, float]) -> None:
    """Check that at least one worker has the resources.

    A cluster that has no workers yet is not checked.

    Raises:
        NoSuchResource: No worker has them, so the task would wait for ever.
    """
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    offers = [worker["resources"] for worker in workers]
    if not offers or any(_is_enough(offer, asked) for offer in offers):
        return
    most = {name: max(o.get(name, 0) for o in offers) for offer in offers for name in offer}
    several = f"none of the {len(offers)} workers has"
    who = "the only worker does not have" if len(offers) == 1 else several
    msg = (
        f"task {task!r} needs the resources {dict(asked)}, which {who}. The most"
        f" that a worker has: {most or 'no resources at all'}. Start workers that have them, with"
        " task_runner(resources=…) or dask worker --resources, or require less."
    )
    raise NoSuchResource(msg)


def _is_enough(offer: Mapping[str, float], asked: Mapping[str, float]) -> bool:
    return all(offer.get(name, 0) >= amount for name, amount in asked.items())
