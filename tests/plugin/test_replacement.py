"""`--prefectx-replace-prefect`: tests for Prefect, run with the decorators of prefectx."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from example import Example


def test_a_suite_for_prefect_is_run_with_our_decorators_and_starts_its_own_server(
    example: Callable[..., Example],
) -> None:
    project = example(
        """
        import prefect
        import prefectx
        from prefect import flow, task
        from prefect.flows import flow as flow_of_module
        from prefect.tasks import task as task_of_module

        @task
        def double(x: int) -> int:
            return 2 * x

        @flow
        def doubled(x: int) -> int:
            return double(x)

        def test_prefects():
            assert isinstance(double, prefect.Task)
            assert isinstance(doubled, prefect.Flow)

        def test_ours():
            assert task is task_of_module and flow is flow_of_module
            assert isinstance(double, prefectx.Task)
            assert isinstance(doubled, prefectx.Flow)
            assert double.options == {"target": None}
        """
    )
    project.run("-k", "ours").ends(failed=1, deselected=1)
    project.run("--prefectx-replace-prefect", "--prefectx-mode=prefect").ends(passed=2).says(
        "servers: 0"
    )
