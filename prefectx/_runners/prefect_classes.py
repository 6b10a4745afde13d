"""Upgrade of tasks and flows to Prefect's own classes, after Prefect was imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyFlow, AnyTask


def prefect_task_class(kind: type) -> type:
    """Return the class that inherits from `kind` and from `prefect.Task`.

    Prefect must have been imported.
    """
    from prefectx._runners.prefect.task import prefect_class

    made: type = prefect_class(kind)
    return made


def prefect_flow_class(kind: type) -> type:
    """Return the class that inherits from `kind` and from `prefect.Flow`.

    Prefect must have been imported.
    """
    from prefectx._runners.prefect.flow import prefect_class

    made: type = prefect_class(kind)
    return made


def upgrade_task(task: AnyTask) -> None:
    """Make `task` a `prefect.Task`; Prefect must have been imported."""
    from prefectx._runners.prefect.task import as_prefect_task

    as_prefect_task(task)


def upgrade_flow(flow: AnyFlow) -> None:
    """Make `flow` a `prefect.Flow`; Prefect must have been imported."""
    from prefectx._runners.prefect.flow import as_prefect_flow

    as_prefect_flow(flow)
