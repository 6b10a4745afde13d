"""Tasks and flows become Prefect's own, where Prefect has been imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyFlow, AnyTask


def prefect_task_class(kind: type) -> type:
    """Return the class of tasks that are of this class of ours, and Prefect's as well.

    Prefect must have been imported.
    """
    from prefectx._runners.prefect.task import kind_of

    made: type = kind_of(kind)
    return made


def prefect_flow_class(kind: type) -> type:
    """Return the class of flows that are of this class of ours, and Prefect's as well.

    Prefect must have been imported.
    """
    from prefectx._runners.prefect.flow import kind_of

    made: type = kind_of(kind)
    return made


def become_prefect_task(task: AnyTask) -> None:
    """Make `task` one of Prefect's; Prefect must have been imported."""
    from prefectx._runners.prefect.task import as_prefect_task

    as_prefect_task(task)


def become_prefect_flow(flow: AnyFlow) -> None:
    """Make `flow` one of Prefect's; Prefect must have been imported."""
    from prefectx._runners.prefect.flow import as_prefect_flow

    as_prefect_flow(flow)
